"""The JSON Schema of sync.yaml, for editors: made from the models and from what core knows.

Editors complete names of attributes and operators with it and mark what is misspelled. It says less than the
validation does (expressions are texts to it) and never anything else: what it refuses, the validation refuses too.
"""

from __future__ import annotations

from typing import Any, Final

from shared.config.sync_model import FILTER_SHAPE, MAPPINGS_SHAPE, MATCHING_SHAPE, UNMAPPED_SHAPE, SyncModel
from shared.core.attributes import PROPERTIES, PropertyType, UserProperty, distinguishes
from shared.core.mapping_rules import DEFAULT_MAPPINGS, Apply, Drift, WhenNull
from shared.core.scoping_tree import Operator

_EXTENSION: Final = "^extension_[0-9a-fA-F]{32}_[A-Za-z][A-Za-z0-9_]*$"
_LONGEST: Final = 10_000  # characters of an expression


def json_schema() -> dict[str, Any]:
    """The schema, as JSON's values."""
    schema = SyncModel.model_json_schema()
    parts = {
        MAPPINGS_SHAPE: "Mappings",
        FILTER_SHAPE: "Filter",
        UNMAPPED_SHAPE: "Unmapped",
        MATCHING_SHAPE: "Matching",
    }
    whole: dict[str, Any] = _filled(schema, parts)
    whole["$defs"] |= {
        "Mappings": _mappings(),
        "Mapping": _mapping(),
        "Unmapped": {"type": "array", "items": {"enum": _names(rule.written for rule in DEFAULT_MAPPINGS)}},
        "Matching": {
            "type": "array",
            "items": _name(_names(each for each in PROPERTIES.values() if distinguishes(each.name))),
        },
        "Filter": _filter(),
        "Group": _group(),
        "Clause": _clause(),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "sync.yaml",
        **{key: value for key, value in whole.items() if key != "title"},
    }


def _filled(value: Any, parts: dict[str, str]) -> Any:
    """The schema with a reference in each place that a model left to core."""
    if isinstance(value, list):
        return [_filled(each, parts) for each in value]
    if not isinstance(value, dict):
        return value
    title = value.get("title")
    if isinstance(title, str) and title in parts:
        kept = {key: each for key, each in value.items() if key in {"description", "default"} and each is not None}
        return {**kept, "$ref": f"#/$defs/{parts[title]}"}
    return {key: _filled(each, parts) for key, each in value.items() if key != "title" or not isinstance(each, str)}


def _names(properties: Any) -> list[str]:
    """Both names of each: Graph's and that of Entra's schema."""
    return sorted({name for each in properties for name in (each.name, each.entra) if name})


def _name(names: list[str]) -> dict[str, Any]:
    return {"anyOf": [{"enum": names}, {"type": "string", "pattern": _EXTENSION}]}


def _mappings() -> dict[str, Any]:
    writable = [each for each in PROPERTIES.values() if each.writable]
    described = {
        name: {"$ref": "#/$defs/Mapping", "description": _described(each)}
        for each in writable
        for name in _names([each])
    }
    return {
        "type": "object",
        "properties": dict(sorted(described.items())),
        "patternProperties": {_EXTENSION: {"$ref": "#/$defs/Mapping"}},
        "additionalProperties": False,
    }


def _described(each: UserProperty) -> str:
    limits = [each.type.value]
    if each.longest is not None and each.type is not PropertyType.DATE:
        limits.append(f"at most {each.longest} characters")
    if not each.nullable:
        limits.append("cannot be cleared")
    return "; ".join(limits)


def _mapping() -> dict[str, Any]:
    expression = {
        "type": "string",
        "minLength": 1,
        "maxLength": _LONGEST,
        "description": 'An expression: [attribute], a "constant", or a function of Entra\'s language.',
    }
    return {
        "anyOf": [
            expression,
            {
                "type": "object",
                "properties": {
                    "expression": expression,
                    "apply": _choices(Apply, "Whether it is written at every change, or at creation only."),
                    "whenNull": _choices(WhenNull, "What becomes of the target's value when there is none to write."),
                    "default": {
                        "type": ["string", "boolean", "integer", "array", "null"],
                        "items": {"type": "string"},
                        "description": "Written at creation where the expression gives no value.",
                    },
                    "drift": _choices(Drift, "What becomes of a value that somebody changed in the target."),
                    "skipOnError": {
                        "type": "boolean",
                        "description": "Whether a user may be written without this attribute when it fails.",
                    },
                    "type": {
                        "enum": ["string", "boolean", "stringList"],
                        "description": "Of a directory extension.",
                    },
                },
                "required": ["expression"],
                "additionalProperties": False,
            },
        ]
    }


def _choices(choices: Any, description: str) -> dict[str, Any]:
    return {"enum": [choice.value for choice in choices], "description": description}


def _filter() -> dict[str, Any]:
    several = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Filter"}}
    return {
        "anyOf": [
            {"type": "null"},
            {"type": "array", "items": {"$ref": "#/$defs/Filter"}, "description": "All of these."},
            _branch("groups", {"type": "array", "items": {"$ref": "#/$defs/Group"}}, "One of these, as in Entra."),
            _branch("all", several, "All of these."),
            _branch("any", several, "One of these."),
            _branch("not", {"$ref": "#/$defs/Filter"}, "Not this."),
            {"$ref": "#/$defs/Group"},
            {"$ref": "#/$defs/Clause"},
        ]
    }


def _branch(key: str, value: dict[str, Any], description: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {key: {**value, "description": description}, "name": {"type": "string"}},
        "required": [key],
        "additionalProperties": False,
    }


def _group() -> dict[str, Any]:
    clauses = {"type": "array", "items": {"$ref": "#/$defs/Filter"}}
    return {
        "type": "object",
        "properties": {"name": {"type": ["string", "null"]}, "clauses": clauses},
        "required": ["clauses"],
    }


def _clause() -> dict[str, Any]:
    """Both shapes; names of operators are free in case and underscores, so the list only suggests."""
    name = _name(_names(PROPERTIES.values()))
    operator = {"anyOf": [{"enum": [each.value for each in Operator]}, {"type": "string"}]}
    value = {"type": ["string", "integer", "boolean"], "description": "With BEFORE and AFTER: a date, now, or now+14d."}
    values = {"anyOf": [{"type": "array", "items": value}, value]}
    return {
        "type": "object",
        "properties": {
            "name": {"type": ["string", "null"]},
            "attribute": name,
            "operator": operator,
            "value": values,
            "values": values,
            "sourceOperandName": name,
            "operatorName": operator,
            "targetOperand": {"type": "object", "properties": {"values": values}},
        },
        "anyOf": [{"required": ["attribute"]}, {"required": ["sourceOperandName"]}],
        "additionalProperties": False,
    }
