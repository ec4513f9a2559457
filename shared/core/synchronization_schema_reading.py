"""Reading a synchronizationSchema export: from JSON to the parts that an import looks at.

The object mapping of users is found by what it joins (objects called User on both sides), never by a display name,
which differs with age and language. Every other part is carried along, so that the report can name it. A file
that is something else ends in an error with the path in the JSON. What the parts mean is no concern of this module.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .synchronization_schema import FLOWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DEEPEST: Final = 250  # functions inside functions, in a tree


class SchemaError(Exception):
    """A file that is no synchronizationSchema. `path` leads to the place in its JSON."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


@dataclass(frozen=True, slots=True)
class SchemaSource:
    """One node of an attribute mapping's source; the tree under it repeats what the expression says."""

    expression: str | None
    name: str | None
    type: str | None  # Attribute, Constant, Function
    parameters: tuple[SchemaSource, ...] = ()


@dataclass(frozen=True, slots=True)
class SchemaMapping:
    """One attribute mapping."""

    path: str
    target: str
    source: SchemaSource | None
    default: str | None
    matching_priority: int  # 0: not matched by
    flow_type: str
    flow_behavior: str
    export_missing_references: bool


@dataclass(frozen=True, slots=True)
class SchemaClause:
    """One condition."""

    path: str
    attribute: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SchemaGroup:
    """One scoping filter: clauses that all must hold."""

    path: str
    name: str | None
    clauses: tuple[SchemaClause, ...]


@dataclass(frozen=True, slots=True)
class ObjectMapping:
    """What is mapped to what, with the rules for it."""

    path: str
    name: str
    source_object: str
    target_object: str
    enabled: bool
    flow_types: frozenset[str]
    mappings: tuple[SchemaMapping, ...]
    groups: tuple[SchemaGroup, ...]
    input_filter_groups: tuple[SchemaGroup, ...]
    category_filter_groups: tuple[SchemaGroup, ...]


@dataclass(frozen=True, slots=True)
class TargetAttribute:
    """What the target's directory says of one attribute."""

    type: str  # String, Boolean, Reference, …
    multivalued: bool


@dataclass(frozen=True, slots=True)
class Schema:
    """A synchronizationSchema, as far as it matters here."""

    users: ObjectMapping
    others: tuple[ObjectMapping, ...]  # of groups, and further ones of users
    target_attributes: Mapping[str, TargetAttribute]
    limits: tuple[str, ...]  # paths of container and group filters that are set


def read_schema(content: bytes) -> Schema:
    """The schema in a file's bytes: UTF-8, with or without a byte order mark.

    Raises:
        SchemaError: it is something else, and where that shows.
    """
    try:
        raw = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise SchemaError("(file)", f"is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise SchemaError("(file)", f"is not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise SchemaError("(file)", "has too many values inside one another") from None
    root = _Node(raw, "")
    rules = sorted(root.children("synchronizationRules", needed=True), key=lambda rule: rule.number("priority"))
    objects = [(rule, each) for rule in rules for each in rule.children("objectMappings", needed=True)]
    found = [(rule, _object_mapping(each)) for rule, each in objects]
    users = [(rule, each) for rule, each in found if _kind(each) == ("user", "user")]
    if not users:
        raise SchemaError("synchronizationRules", "has no object mapping from User to User: this maps no people")
    rule, mapping = next(((rule, each) for rule, each in users if each.enabled), users[0])
    return Schema(
        users=mapping,
        others=tuple([each for _, each in found if each is not mapping]),
        target_attributes=_target_attributes(root, rule, mapping),
        limits=tuple([f"{rule.path}.{key}" for key in ("containerFilter", "groupFilter") if rule.holds_anything(key)]),
    )


def _kind(mapping: ObjectMapping) -> tuple[str, str]:
    return mapping.source_object.lower(), mapping.target_object.lower()


class _Node:
    """An object of the JSON that knows its path."""

    def __init__(self, value: object, path: str) -> None:
        self.path = path
        if not isinstance(value, dict):
            raise SchemaError(path or "(root)", f"must be an object, is {_what(value)}")
        self._held: dict[str, object] = value

    def at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def children(self, key: str, *, needed: bool = False) -> list[_Node]:
        value = self._held.get(key)
        if value is None and not needed:
            return []
        if not isinstance(value, list):
            raise SchemaError(self.at(key), f"must be a list, is {'missing' if value is None else _what(value)}")
        return [_Node(each, f"{self.at(key)}[{index}]") for index, each in enumerate(value)]

    def child(self, key: str) -> _Node | None:
        value = self._held.get(key)
        return None if value is None else _Node(value, self.at(key))

    def optional_text(self, key: str) -> str | None:
        value = self._held.get(key)
        if value is not None and not isinstance(value, str):
            raise SchemaError(self.at(key), f"must be a text, is {_what(value)}")
        return value

    def text(self, key: str) -> str:
        value = self.optional_text(key)
        if not value:
            raise SchemaError(self.at(key), "must be a text, is missing or empty")
        return value

    def number(self, key: str) -> int:
        value = self._held.get(key, 0)
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int):
            raise SchemaError(self.at(key), f"must be a whole number, is {_what(value)}")
        return value

    def flag(self, key: str, *, otherwise: bool) -> bool:
        value = self._held.get(key)
        if value is not None and not isinstance(value, bool):
            raise SchemaError(self.at(key), f"must be true or false, is {_what(value)}")
        return otherwise if value is None else value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._held.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise SchemaError(self.at(key), "must be a list of texts")
        return tuple(value)

    def holds_anything(self, key: str) -> bool:
        value = self._held.get(key)
        return any(value.values()) if isinstance(value, dict) else bool(value)


def _what(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _object_mapping(node: _Node) -> ObjectMapping:
    flows = node.optional_text("flowTypes")
    scope = node.child("scope")
    return ObjectMapping(
        path=node.path,
        name=node.optional_text("name") or "",
        source_object=node.text("sourceObjectName"),
        target_object=node.text("targetObjectName"),
        enabled=node.flag("enabled", otherwise=True),
        flow_types=frozenset(FLOWS if flows is None else [flow.strip() for flow in flows.split(",")]),
        mappings=tuple([_mapping(each) for each in node.children("attributeMappings")]),
        groups=_groups(scope, "groups"),
        input_filter_groups=_groups(scope, "inputFilterGroups"),
        category_filter_groups=_groups(scope, "categoryFilterGroups"),
    )


def _mapping(node: _Node) -> SchemaMapping:
    source = node.child("source")
    return SchemaMapping(
        path=node.path,
        target=node.text("targetAttributeName"),
        source=None if source is None else _source(source, 0),
        default=node.optional_text("defaultValue"),
        matching_priority=node.number("matchingPriority"),
        flow_type=node.optional_text("flowType") or "Always",
        flow_behavior=node.optional_text("flowBehavior") or "FlowWhenChanged",
        export_missing_references=node.flag("exportMissingReferences", otherwise=False),
    )


def _source(node: _Node, depth: int) -> SchemaSource:
    if depth > _DEEPEST:
        raise SchemaError(node.path, f"has more than {_DEEPEST} functions inside one another")
    values = [parameter.child("value") for parameter in node.children("parameters")]
    return SchemaSource(
        expression=node.optional_text("expression"),
        name=node.optional_text("name"),
        type=node.optional_text("type"),
        parameters=tuple([_source(value, depth + 1) for value in values if value is not None]),
    )


def _groups(scope: _Node | None, key: str) -> tuple[SchemaGroup, ...]:
    if scope is None:
        return ()
    return tuple(
        [
            SchemaGroup(
                path=group.path,
                name=group.optional_text("name"),
                clauses=tuple([_clause(clause) for clause in group.children("clauses")]),
            )
            for group in scope.children(key)
        ]
    )


def _clause(node: _Node) -> SchemaClause:
    operand = node.child("targetOperand")
    return SchemaClause(
        path=node.path,
        attribute=node.text("sourceOperandName"),
        operator=node.text("operatorName"),
        values=operand.texts("values") if operand is not None else (),
    )


def _target_attributes(root: _Node, rule: _Node, mapping: ObjectMapping) -> dict[str, TargetAttribute]:
    """Types that the export knows; an export without directories knows none."""
    wanted = rule.optional_text("targetDirectoryName")
    return {
        name: attribute
        for directory in root.children("directories")
        if directory.optional_text("name") == wanted
        for described in directory.children("objects")
        if described.optional_text("name") == mapping.target_object
        for name, attribute in _attributes(described)
    }


def _attributes(described: _Node) -> Iterator[tuple[str, TargetAttribute]]:
    for attribute in described.children("attributes"):
        kind = attribute.optional_text("type") or "String"
        yield attribute.text("name"), TargetAttribute(kind, attribute.flag("multivalued", otherwise=False))
