"""Writing sync.yaml: a first one, or the part of a target that an import found, as text that a person goes on with.

Only what differs from the defaults is written, and it reads back to the same rules. The file of an administrator
is never rewritten; merging the part into it is theirs, so that their comments stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from shared.core.decide import OutOfScopeAction
from shared.core.synchronization_schema_import import COMPAT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.core.synchronization_schema_import import ImportedRules

_WIDTH = 110


@dataclass(frozen=True, slots=True)
class TargetIdentity:
    """What no schema says of a target."""

    name: str
    tenant_id: str | None
    groups: tuple[str, ...] = ()
    all_users: bool = False


def target_part(identity: TargetIdentity, rules: ImportedRules) -> dict[str, Any]:
    """One entry of `targets`. Without a tenant id or a scope it is refused until somebody fills them in."""
    scope: dict[str, Any] = {"allUsers": True} if identity.all_users else {"groups": list(identity.groups)}
    if rules.filter is not None:
        scope["filter"] = rules.filter
    if rules.input_filter is not None:
        scope["inputFilter"] = rules.input_filter
    part: dict[str, Any] = {
        "name": identity.name,
        "tenantId": identity.tenant_id or "",
        "compat": COMPAT.value,
        "scope": scope,
    }
    if rules.matching is not None:
        part["matching"] = list(rules.matching)
    if rules.mappings:
        part["mappings"] = dict(rules.mappings)
    if rules.unmapped:
        part["unmapped"] = list(rules.unmapped)
    if not rules.removes:
        keep = OutOfScopeAction.KEEP.value
        part["deprovision"] = {"outOfScope": keep, "sourceDeleted": keep}
    return part


def write_part(part: dict[str, Any], comment: str) -> str:
    """The YAML of one target, under `targets`, headed by `comment`."""
    return _written({"targets": [part]}, comment)


def write_sync(source_tenant_id: str, targets: Sequence[Mapping[str, Any]]) -> str:
    """A whole sync.yaml that has nothing but defaults beside these targets."""
    document = {"source": {"tenantId": source_tenant_id}, "targets": list(targets)}
    return _written(document, "Who is synchronized to where. docs/mapping.md tells what can be said beside.")


def _written(document: Mapping[str, Any], comment: str) -> str:
    head = "".join([f"# {line}\n" for line in comment.splitlines()])
    return head + yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=False
    )


class _Dumper(yaml.SafeDumper):
    """Indents lists, as people do, and never uses anchors, which nobody reads."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        del indentless
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True
