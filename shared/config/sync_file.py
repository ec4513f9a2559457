"""sync.yaml: who is synchronized to where, validated into core's types, all faults at once.

Its shape is in `sync_model`, its faults in `sync_faults`; this module makes of it what the app works with. Other
modules never see the raw data.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.config.clouds import CLOUDS, Cloud
from shared.config.faults import ConfigurationError, ConfigurationFault
from shared.config.strict_yaml import read_yaml
from shared.config.sync_faults import check
from shared.core.attributes import find
from shared.core.decide import Policy
from shared.core.decision_event import LogPolicy, log_policy
from shared.core.expressions import Compat
from shared.core.guard import DeletionBudget
from shared.core.mapping_rules import Apply, AttributeMapping, Drift, default_mappings, parse_mappings
from shared.core.scoping import Filter, parse_filter

if TYPE_CHECKING:
    from pathlib import Path

    from shared.config.sync_model import LogModel, SourceModel, TargetModel


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant and the cloud it lives in."""

    tenant_id: str
    cloud: Cloud


@dataclass(frozen=True, slots=True)
class Scope:
    """Who is in scope of one target: leaving groups or filter deprovisions, leaving the input filter freezes."""

    groups: tuple[str, ...]
    all_users: bool
    filter: Filter | None
    input_filter: Filter | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One target, ready for use."""

    name: str
    tenant: Tenant
    scope: Scope
    matching: tuple[str, ...]
    mappings: tuple[AttributeMapping, ...]
    policy: Policy
    compat: Compat = Compat.FIXED
    deletion_budget: DeletionBudget = field(default_factory=DeletionBudget)
    rules: str = field(default="", compare=False)
    """Digest of all that decides who is written and how, as it was written down: another one makes a cycle due."""
    log: LogPolicy = field(default_factory=LogPolicy)


@dataclass(frozen=True, slots=True)
class SyncConfiguration:
    """The whole of sync.yaml."""

    source: Tenant
    targets: tuple[Target, ...]

    def target(self, name: str) -> Target:
        """The target of that name; KeyError where there is none."""
        for target in self.targets:
            if target.name == name:
                return target
        raise KeyError(name)


def read_sync_file(path: Path) -> SyncConfiguration:
    """Read and validate a sync.yaml.

    Raises:
        ConfigurationError: listing every fault with its path.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(path.name, (ConfigurationFault("(file)", f"cannot be read: {error}"),)) from error
    return parse_sync(text, path.name)


def parse_sync(text: str, source: str = "sync.yaml") -> SyncConfiguration:
    """Validate the text of a sync.yaml; `source` names it in faults.

    Raises:
        ConfigurationError: listing every fault with its path.
    """
    raw, repeated = read_yaml(text, source)
    model, faults = check(raw)
    if model is None or faults or repeated:
        raise ConfigurationError(source, (*repeated, *faults))
    return SyncConfiguration(_tenant(model.source), tuple(_target(target, model.log) for target in model.targets))


def _tenant(model: SourceModel | TargetModel) -> Tenant:
    return Tenant(model.tenant_id, CLOUDS[model.cloud])


def _target(model: TargetModel, log_of_all: LogModel) -> Target:
    mappings = _mappings(model)
    return Target(
        name=model.name,
        tenant=_tenant(model),
        scope=Scope(
            groups=tuple(model.scope.groups),
            all_users=model.scope.all_users,
            filter=_filter(model.scope.filter),
            input_filter=_filter(model.scope.input_filter),
        ),
        matching=tuple(model.matching),
        mappings=mappings,
        policy=Policy(
            adopt=bool(model.matching),
            out_of_scope=model.deprovision.out_of_scope,
            source_deleted=model.deprovision.source_deleted,
            grace=timedelta(days=model.deprovision.grace_days),
            deleted_in_target=model.target_changes.deleted,
            drift=_drift(model, mappings),
        ),
        compat=model.compat,
        deletion_budget=DeletionBudget(
            model.deletion_budget.count, model.deletion_budget.percent, model.deletion_budget.window
        ),
        rules=hashlib.sha256(model.model_dump_json(exclude={"deletion_budget", "log"}).encode()).hexdigest()[:16],
        log=log_policy(mappings, values=(model.log or log_of_all).values),
    )


def _drift(model: TargetModel, mappings: tuple[AttributeMapping, ...]) -> dict[str, Drift]:
    """What is not simply put back, by Graph's property. A block in the target has a setting of its own."""
    drift: dict[str, Drift] = {
        mapping.target.partition(".")[0]: mapping.drift
        for mapping in mappings
        if mapping.apply is Apply.ALWAYS and mapping.drift is not Drift.REPAIR
    }
    if model.target_changes.blocked == "report":
        drift.setdefault("accountEnabled", Drift.REPORT)
    return drift


def _filter(raw: object) -> Filter | None:
    return parse_filter(raw)[0] if raw is not None else None


def _mappings(model: TargetModel) -> tuple[AttributeMapping, ...]:
    """The default mapping, but for what the target leaves alone or says itself; then what it says."""
    users = {
        "userType": {"expression": f'"{model.users.type}"', "apply": "onCreate"},
        "showInAddressList": {"expression": f'"{str(model.users.show_in_address_list).lower()}"', "apply": "onCreate"},
    }
    own = parse_mappings(users | model.mappings, compat=model.compat)[0]
    replaced = {mapping.target for mapping in own}
    left_alone = {found.name for found in map(find, model.unmapped) if found is not None}
    together = [mapping for mapping in default_mappings(model.compat) if mapping.target not in replaced] + [*own]
    return tuple([mapping for mapping in together if mapping.target not in left_alone])
