"""From our rules to a synchronizationSchema, as far as Entra can say them, and a report of what it cannot.

Where leaving something out would let people in or put them out, the user mapping is exported switched off: whoever
puts the schema into a tenant has to look first. Ids are made from the tenants' ids and the target's name, so that
the same rules give the same file. Nothing is read or written here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from .attributes import PropertyType, find
from .decide import OutOfScopeAction, Policy
from .expressions import Compat, Node, Value
from .expressions.syntax import Attribute, Call, Compare, Concat, walk
from .mapping_rules import DEFAULT_MAPPINGS, Apply, AttributeMapping, Drift, WhenNull
from .synchronization_schema import (
    ADD,
    ALWAYS,
    DELETE,
    MATCH_EXPRESSION,
    MATCHED_BY_ENTRA,
    ON_CREATE,
    PRINCIPAL_NAME,
    SOFT_DELETED,
    UPDATE,
    Report,
    ReportLine,
)
from .synchronization_schema_scope import groups_of
from .synchronization_schema_tree import tree_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .scoping import Filter

_SOURCE: Final = "Microsoft Entra ID"
_TARGET: Final = "Microsoft Entra ID (target tenant)"
_NAMESPACE: Final = UUID("2f0c9e0e-3a52-4f0e-9d2b-5f2a4a7c6d10")
_NOT_IN_ENTRA: Final = frozenset(
    {"And", "Or", "Contains", "ConvertFromBase64", "CRef", "DNComponent", "Error", "StringFromSid", "Trim"}
)
"""Functions that Entra's cross-tenant synchronization lacks: ours, and those of its cloud sync."""

_NEVER_TARGETS: Final = frozenset({"otherMails", "ageGroup", "consentProvidedForMinor", "employeeLeaveDateTime"})
"""Attributes of Graph's user that no mapping of Entra's writes, beside parts of complex properties."""


@dataclass(frozen=True, slots=True)
class RulesOfTarget:
    """What is exported: one target, as the configuration holds it."""

    name: str
    source_tenant_id: str
    target_tenant_id: str
    mappings: Sequence[AttributeMapping]
    filter: Filter | None
    input_filter: Filter | None
    policy: Policy
    compat: Compat


def export_schema(rules: RulesOfTarget) -> tuple[dict[str, Any], tuple[ReportLine, ...]]:
    """The schema as JSON's values, and what became of each rule."""
    report = Report()
    identity = f"{rules.source_tenant_id}/{rules.target_tenant_id}/{rules.name}"
    mappings = [*_built_in(), *[each for rule in rules.mappings if (each := _mapping(rule, rules.compat, report))]]
    filters = groups_of(rules.filter, "filter", report)
    input_filters = groups_of(rules.input_filter, "inputFilter", report)
    sayable = filters is not None and input_filters is not None
    if not sayable:
        report.cannot("enabled", "the mapping of users is exported switched off, because a filter is missing in it")
    if rules.compat is Compat.FIXED:
        report.differs("compat", "fixed: Entra keeps values that are gone, and its IIF fails on empty attributes")
    report.differs("scope.groups", "assign these groups to the configuration; Entra takes direct members only")
    report.differs("matching", "Entra recognizes its users, and guests who have redeemed, by a hidden id alone")
    schema = {
        "id": f"Azure2Azure.{_plain(rules.source_tenant_id)}.{uuid5(_NAMESPACE, identity).hex}",
        "version": "v1.2",
        "directories": _directories(rules.mappings),
        "synchronizationRules": [
            {
                "id": str(uuid5(_NAMESPACE, f"{identity}/users")),
                "name": "USER_INBOUND_USER",
                "priority": 1,
                "editable": True,
                "sourceDirectoryName": _SOURCE,
                "targetDirectoryName": _TARGET,
                "containerFilter": None,
                "groupFilter": None,
                "metadata": [],
                "objectMappings": [
                    {
                        "name": "Provision Microsoft Entra ID Users",
                        "enabled": sayable,
                        "flowTypes": ", ".join(_flows(rules.policy, report)),
                        "sourceObjectName": "User",
                        "targetObjectName": "User",
                        "metadata": [],
                        "scope": {
                            "categoryFilterGroups": [],
                            "groups": filters or [],
                            "inputFilterGroups": input_filters or [],
                        },
                        "attributeMappings": mappings,
                    }
                ],
            }
        ],
    }
    return schema, tuple(report.lines)


def _plain(tenant_id: str) -> str:
    return tenant_id.replace("-", "")


def _flows(policy: Policy, report: Report) -> Iterable[str]:
    left, deleted = policy.out_of_scope, policy.source_deleted
    if OutOfScopeAction.DISABLE in (left, deleted):
        report.cannot("deprovision disable", "Entra deletes or keeps; people who leave are kept, with their sign-in")
    if left is not deleted:
        report.cannot("deprovision", "Entra treats leaving the scope and being deleted alike; both are kept")
    removes = left is deleted is OutOfScopeAction.SOFT_DELETE
    if removes or left is deleted is OutOfScopeAction.KEEP:
        report.taken("deprovision", "Delete is on" if removes else "Delete is off")
    return (ADD, UPDATE, DELETE) if removes else (ADD, UPDATE)


def _directories(mappings: Iterable[AttributeMapping]) -> list[dict[str, Any]]:
    """The target's directory, with the types of extensions that hold no text; Entra discovers the rest."""
    attributes = [
        {"name": rule.target, "type": "Boolean", "multivalued": False, "mutability": "ReadWrite"}
        for rule in mappings
        if rule.target.startswith("extension_") and rule.written.type is PropertyType.BOOLEAN
    ]
    objects = [{"name": "User", "attributes": attributes}]
    return [{"name": _TARGET, "objects": objects}] if attributes else []


# --- attribute mappings -------------------------------------------------------------------------------------------


def _built_in() -> list[dict[str, Any]]:
    """What Entra needs a mapping for, and links, decisions and the invitation do here."""
    match = {
        "expression": MATCH_EXPRESSION,
        "name": "AltSecIdFromNetId",
        "type": "Function",
        "parameters": [{"key": "source", "value": tree_of(Attribute("netId"))}],
    }
    return [
        _attribute_mapping(MATCHED_BY_ENTRA, match, priority=1),
        _attribute_mapping(SOFT_DELETED, tree_of(Attribute(SOFT_DELETED))),
        _attribute_mapping(PRINCIPAL_NAME, tree_of(Attribute(PRINCIPAL_NAME))),
    ]


def _attribute_mapping(
    target: str, source: Mapping[str, Any], *, priority: int = 0, flow_type: str = ALWAYS, default: str | None = None
) -> dict[str, Any]:
    return {
        "targetAttributeName": target,
        "source": dict(source),
        "defaultValue": default,
        "matchingPriority": priority,
        "flowType": flow_type,
        "flowBehavior": "FlowWhenChanged",
        "exportMissingReferences": False,
    }


def _mapping(rule: AttributeMapping, compat: Compat, report: Report) -> dict[str, Any] | None:
    """One attribute mapping; None for what Entra cannot write."""
    written = rule.written
    name = written.entra or written.name
    unsayable = _unsayable(rule)
    if unsayable is not None:
        report.cannot(name, unsayable)
        return None
    node = _renamed(rule.expression.node)
    changed = node != rule.expression.node
    source = tree_of(node) | ({} if changed else {"expression": rule.expression.text})
    _note(rule, compat, name, report)
    return _attribute_mapping(
        name,
        source,
        flow_type=ALWAYS if rule.apply is Apply.ALWAYS else ON_CREATE,
        default=_default(rule.default),
    )


def _unsayable(rule: AttributeMapping) -> str | None:
    written, node = rule.written, rule.expression.node
    if written.name in _NEVER_TARGETS or ("." in written.name and written.entra is None):
        return "Entra's mappings cannot write it"
    if written.name.startswith("extension_") and written.type is PropertyType.TEXT_LIST:
        return "Entra's mappings cannot write directory extensions with several values"
    called = sorted({each.function for each in walk(node) if isinstance(each, Call)} & _NOT_IN_ENTRA)
    if called:
        return f"Entra's cross-tenant synchronization has no function {called[0]}"
    if any(isinstance(each, Concat) for each in walk(node)):
        return "Entra's cross-tenant synchronization cannot join by &; use Append or Join"
    return None


def _note(rule: AttributeMapping, compat: Compat, name: str, report: Report) -> None:
    before = len(report.lines)
    in_default = rule in DEFAULT_MAPPINGS  # `compat` has a line of its own, and need not repeat for each of these
    if rule.when_null is WhenNull.CLEAR and rule.apply is Apply.ALWAYS and not (in_default and compat is Compat.FIXED):
        report.differs(name, "whenNull: clear; Entra never clears a value")
    if rule.when_null is WhenNull.DEFAULT:
        report.differs(name, "whenNull: default; Entra gives the default at creation only")
    if rule.drift is not Drift.REPAIR:
        report.differs(name, f"drift: {rule.drift.value}; Entra overwrites at the next change in the source")
    if rule.skip_on_error:
        report.differs(name, "skipOnError; in Entra an expression that fails stops the user")
    if isinstance(rule.default, list) and len(rule.default) > 1:
        report.differs(name, "of several default values the first is exported")
    if len(report.lines) == before:
        report.taken(name, f"{rule.expression.text}, {rule.apply.value}")


def _default(value: Value) -> str | None:
    match value:
        case None | []:
            return None
        case [first, *_]:
            return str(first)
        case _:
            return str(value)


def _renamed(node: Node) -> Node:
    """The same expression with the names of Entra's schema."""
    match node:
        case Attribute(name=name):
            found = find(name)
            return Attribute(found.entra) if found is not None and found.entra else node
        case Call(function=function, arguments=arguments):
            return Call(function, tuple([_renamed(each) for each in arguments]))
        case Compare(left=left, operator=operator, right=right):
            return Compare(_renamed(left), operator, _renamed(right))
        case _:
            return node
