"""From a synchronizationSchema to our rules: the same users, and a report of what is not the same.

What Entra writes is written, what it leaves alone is left alone; an attribute that cannot be taken is left alone
too. A clause that cannot be taken is kept as it stands, so that the configuration is refused until a person has
decided: to drop it would let people in, or put them out. Scoping filters are in `synchronization_schema_scope`;
nothing is read or written here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from .attributes import distinguishes, find
from .expressions import Compat, ParseError, Text, parse, to_text
from .mapping_rules import DEFAULT_MAPPINGS, Apply, AttributeMapping, default_mappings, parse_mappings
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
from .synchronization_schema_scope import filter_from
from .synchronization_schema_tree import contradiction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .synchronization_schema_reading import ObjectMapping, Schema, SchemaMapping, SchemaSource, TargetAttribute

COMPAT: Final = Compat.ENTRA
"""Imported rules keep Entra's ways: values that are gone stay, and IIF has its documented limit."""


@dataclass(frozen=True, slots=True)
class ImportedRules:
    """What a schema says, in the words of sync.yaml: the settings of one target, without its name and groups."""

    mappings: Mapping[str, object]  # only what differs from, or adds to, the default mapping
    unmapped: tuple[str, ...]  # of the default mapping
    filter: Mapping[str, object] | None
    input_filter: Mapping[str, object] | None
    matching: tuple[str, ...] | None  # None: as by default
    removes: bool  # whether people who leave, or were deleted, are removed
    report: tuple[ReportLine, ...]


def import_schema(schema: Schema) -> ImportedRules:
    """Translate the user mapping of a schema. Whatever is wrong with a part of it becomes a line of the report."""
    report = Report()
    users = schema.users
    _of_other_objects(schema, report)
    mappings, left_alone = _mappings(users, schema.target_attributes, report)
    removes = _flows(users, report)
    rules = ImportedRules(
        mappings=mappings,
        unmapped=left_alone,
        filter=filter_from(users.groups, "filter", report),
        input_filter=filter_from(users.input_filter_groups, "inputFilter", report),
        matching=_matching(users, report),
        removes=removes,
        report=(),
    )
    report.differs(
        "compat",
        "entra: as in Entra, a value that is gone in the source stays in the target, and an IIF whose condition reads "
        "an empty attribute takes its false branch; without this line, values are cleared and conditions decided",
    )
    return replace(rules, report=tuple(report.lines))


def _of_other_objects(schema: Schema, report: Report) -> None:
    for other in schema.others:
        subject = f"{other.source_object} to {other.target_object}"
        if not other.enabled:
            report.taken(subject, "is off in Entra, and not done here", other.path)
        elif other.source_object.lower() == "group":
            report.cannot(subject, "groups themselves are not synchronized; put their members into scope", other.path)
        else:
            report.cannot(subject, "one mapping of users is imported, and this is not it", other.path)
    for path in schema.limits:
        report.cannot("container or group filter", "has no counterpart; name groups in scope instead", path)
    for group in schema.users.category_filter_groups:
        report.cannot("category filter", "has no counterpart; put its clauses into scope.filter", group.path)


def _flows(users: ObjectMapping, report: Report) -> bool:
    """Whether people who leave are removed; the other actions cannot be ticked off."""
    place = f"{users.path}.flowTypes"
    if not users.enabled:
        report.cannot("enabled", "the mapping of users is off in Entra; a target that is listed here is on", users.path)
    if ADD not in users.flow_types:
        report.cannot("flowTypes Add", "creating cannot be ticked off: people in scope will be created", place)
    if UPDATE not in users.flow_types:
        report.cannot("flowTypes Update", "updating cannot be ticked off: set apply: onCreate where it must be", place)
    removes = DELETE in users.flow_types
    if removes:
        report.taken("flowTypes Delete", "people who leave the scope, or are deleted, are soft-deleted", place)
    else:
        report.taken("flowTypes Delete", "is off: people who leave the scope, or are deleted, are kept", place)
    return removes


def _matching(users: ObjectMapping, report: Report) -> tuple[str, ...] | None:
    matched = sorted([each for each in users.mappings if each.matching_priority > 0], key=lambda m: m.matching_priority)
    names: list[str] = []
    for each in matched:
        if each.target == MATCHED_BY_ENTRA:
            continue
        if distinguishes(each.target):
            names.append(each.target)
            report.taken(f"matching by {each.target}", f"is number {len(names)} in order", each.path)
        else:
            report.cannot(f"matching by {each.target}", "people are matched by attributes that hold texts", each.path)
    if names:
        return tuple(names)
    report.differs(
        "matching",
        "Entra recognizes guests by a hidden id once they have redeemed; here unmarked guests are adopted by mail and "
        "userPrincipalName, redeemed or not; matching: [] adopts nobody",
    )
    return None


# --- attribute mappings -------------------------------------------------------------------------------------------


def _mappings(
    users: ObjectMapping, types: Mapping[str, TargetAttribute], report: Report
) -> tuple[dict[str, object], tuple[str, ...]]:
    """Entries that differ from the default mapping, and names of the default mapping that are left alone."""
    defaults = {rule.target: rule for rule in default_mappings(COMPAT)}
    differing: dict[str, object] = {}
    taken: set[str] = set()
    refused: set[str] = set()
    for mapping in users.mappings:
        entry = _entry(mapping, types.get(mapping.target), report)
        if entry is None:
            continue
        rules, faults = parse_mappings({mapping.target: entry}, compat=COMPAT)
        if faults:
            refused.add(_canonical(mapping.target))
            for fault in faults:
                report.cannot(mapping.target, f"left alone: {fault.message}", mapping.path)
            continue
        [rule] = rules
        if rule.target in taken:
            report.cannot(mapping.target, "an earlier mapping writes the same attribute", mapping.path)
            continue
        taken.add(rule.target)
        if rule.target in defaults and _same(rule, defaults[rule.target]):
            report.taken(mapping.target, "is in the default mapping", mapping.path)
        else:
            differing[mapping.target] = entry
            report.taken(mapping.target, f"{rule.expression.text}, {rule.apply.value}", mapping.path)
        _advise(rule, mapping, report)
    left_alone = [rule for rule in DEFAULT_MAPPINGS if rule.target not in taken]
    for rule in left_alone:
        if rule.target not in refused:
            report.taken(rule.written.entra or rule.target, "is not mapped, and left alone here: unmapped")
    return differing, tuple([rule.written.entra or rule.target for rule in left_alone])


def _canonical(name: str) -> str:
    found = find(name)
    return found.name if found is not None else name


def _same(rule: AttributeMapping, other: AttributeMapping) -> bool:
    """Whether two rules do the same, however their expressions are spaced."""
    return rule.expression.node == other.expression.node and replace(rule, expression=other.expression) == other


def _entry(mapping: SchemaMapping, described: TargetAttribute | None, report: Report) -> object | None:
    """The mapping as an entry of sync.yaml; None for one that is done without, or cannot be."""
    expression = _expression(mapping.source)
    if _is_built_in(mapping, expression, report):
        return None
    entry: dict[str, object] = {}
    default = mapping.default or None
    if expression is None and default is None:
        if mapping.source is None:
            report.taken(mapping.target, "has neither source nor default: left alone", mapping.path)
        else:
            report.cannot(mapping.target, "its source has no expression", f"{mapping.path}.source")
        return None
    if expression is None:
        entry |= {"expression": to_text(Text(str(default))), "apply": Apply.ON_CREATE.value}
        why = "a default without a source is given at creation; Entra also fills it in later"
        report.differs(mapping.target, why, mapping.path)
        return entry
    entry["expression"] = expression
    if mapping.flow_type != ALWAYS:
        entry["apply"] = Apply.ON_CREATE.value
    if mapping.flow_type not in (ALWAYS, ON_CREATE):
        why = f"{mapping.flow_type} has no counterpart; written at creation only"
        report.differs(mapping.target, why, mapping.path)
    if default is not None:
        entry["default"] = default
    kind = _extension_type(mapping, described, report)
    if kind is not None:
        entry["type"] = kind
    return expression if set(entry) == {"expression"} else entry


def _expression(source: SchemaSource | None) -> str | None:
    """The expression of a source; a constant may stand there without its quotes, an attribute without brackets."""
    if source is None:
        return None
    text = (source.expression or "").strip()
    if source.type == "Constant" and source.name is not None and not text.startswith('"'):
        return to_text(Text(source.name))
    if source.type == "Attribute" and source.name and not text:
        return f"[{source.name}]"
    return text or None


def _is_built_in(mapping: SchemaMapping, expression: str | None, report: Report) -> bool:
    """Whether this is one of the mappings that something else than a mapping takes the place of."""
    plain = (expression or "").replace(" ", "")
    match mapping.target:
        case target if target == MATCHED_BY_ENTRA:
            if plain == MATCH_EXPRESSION:
                report.taken(target, "links and the marker on the target user take its place", mapping.path)
            else:
                report.cannot(target, "cannot be written through Graph; links take its place", mapping.path)
        case target if target == SOFT_DELETED:
            if plain == f"[{SOFT_DELETED}]":
                report.taken(target, "who is deleted in the source is deleted in the target", mapping.path)
            else:
                report.cannot(target, "deleting is decided by scope and deprovision, not by a mapping", mapping.path)
        case target if target == PRINCIPAL_NAME:
            if plain == f"[{PRINCIPAL_NAME}]":
                report.differs(target, "the invitation makes it from the mail address, and it stays", mapping.path)
            else:
                report.cannot(target, "the invitation makes it; Graph does not let it be chosen", mapping.path)
        case _:
            return False
    return True


def _extension_type(mapping: SchemaMapping, described: TargetAttribute | None, report: Report) -> str | None:
    """The `type` of a directory extension that does not hold one text."""
    if described is None or not mapping.target.startswith("extension_"):
        return None
    match described.type, described.multivalued:
        case "String", False:
            return None
        case "String", True:
            return "stringList"
        case "Boolean", False:
            return "boolean"
        case kind, multivalued:
            several = ", multi-valued" if multivalued else ""
            why = f"its type, {kind}{several}, is not known here; written as text"
            report.differs(mapping.target, why, mapping.path)
            return None


def _advise(rule: AttributeMapping, mapping: SchemaMapping, report: Report) -> None:
    """What to know of a mapping that was taken."""
    if mapping.source is not None and _expression(mapping.source) is not None:
        found = _contradiction(mapping.source)
        if found:
            report.differs(mapping.target, found, f"{mapping.path}.source")
    if rule.target == "showInAddressList" and rule.apply is Apply.ALWAYS:
        report.differs(
            mapping.target,
            "is written at every change, as in Entra; Exchange refuses it for users who have a mailbox there: "
            "apply: onCreate avoids that",
            mapping.path,
        )
    if mapping.flow_behavior == "FlowAlways":
        report.differs(mapping.target, "FlowAlways: a value is written where the target holds another", mapping.path)
    if mapping.export_missing_references:
        report.differs(
            mapping.target, "a reference to somebody who is missing is set once they are there", mapping.path
        )


def _contradiction(source: SchemaSource) -> str | None:
    try:
        node = parse(source.expression or "").node
    except ParseError:  # what `_expression` mended
        return "the expression was missing, or its constant not in quotes; made from the name"
    found = contradiction(node, source)
    return found and f"{found}; the expression counts"
