"""A workbook file as items: read leniently as Azure does, for a file may hold more than this renderer knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final, TypeAlias

Json: TypeAlias = Mapping[str, Any]

VERSION: Final = "Notebook/1.0"


class WorkbookInvalidError(ValueError):
    """The file is no workbook; the text says why."""


class ItemType(IntEnum):
    """The types of items that are rendered."""

    TEXT = 1
    QUERY = 3
    PARAMETERS = 9
    METRIC = 10
    LINKS = 11
    GROUP = 12


@dataclass(frozen=True, slots=True)
class Condition:
    """A conditional visibility: a parameter compared with a value."""

    parameter: str
    equal: bool
    value: str

    def holds(self, value: str) -> bool:
        """Whether it holds for the parameter's value; unset is the empty text."""
        return (value == self.value) is self.equal


@dataclass(frozen=True, slots=True)
class Item:
    """One item. `id` is its place in the file (`3.0` is the first item of the fourth item, a group)."""

    id: str
    type: int
    name: str
    content: Json
    conditions: tuple[Condition, ...] = ()
    width: str | None = None  # percent
    items: tuple[Item, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Workbook:
    """A whole workbook."""

    title: str
    items: tuple[Item, ...]

    @property
    def global_parameters(self) -> frozenset[str]:
        """Names of parameters that any step may set for the whole workbook."""
        return frozenset(
            str(parameter.get("name"))
            for item in every_item(self.items)
            if item.type == ItemType.PARAMETERS
            for parameter in objects(item.content.get("parameters"))
            if parameter.get("isGlobal") is True
        )


def read(text: str, title: str) -> Workbook:
    """A workbook from its file's text.

    Raises:
        WorkbookInvalidError: it is no JSON, or not of version Notebook/1.0.
    """
    try:
        document = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise WorkbookInvalidError(f"it is no JSON: {error}") from error
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise WorkbookInvalidError(f'it has no "version": "{VERSION}"')
    if not isinstance(document.get("items"), list):
        raise WorkbookInvalidError("it has no list of items")
    return Workbook(title, _items(document["items"], ""))


def every_item(items: tuple[Item, ...]) -> list[Item]:
    """All items, those of groups too, in their order."""
    return [found for item in items for found in (item, *every_item(item.items))]


def objects(value: object) -> list[Json]:
    """The objects of a list that may be missing or hold something else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def mapping(value: object) -> Json:
    """An object that may be missing."""
    return value if isinstance(value, dict) else {}


def _items(found: object, prefix: str) -> tuple[Item, ...]:
    return tuple(_item(entry, f"{prefix}{index}") for index, entry in enumerate(objects(found)))


def _item(entry: Json, item_id: str) -> Item:
    content = entry.get("content")
    if isinstance(content, str):  # older files hold the content as text
        try:
            content = json.loads(content)
        except json.JSONDecodeError:
            content = {"json": content}
    content = mapping(content)
    kind = entry.get("type")
    width = entry.get("customWidth")
    return Item(
        id=item_id,
        type=kind if isinstance(kind, int) else -1,
        name=str(entry.get("name") or ""),
        content=content,
        conditions=_conditions(entry),
        width=str(width) if width else None,
        items=_items(content.get("items"), f"{item_id}.") if kind == ItemType.GROUP else (),
    )


def _conditions(entry: Json) -> tuple[Condition, ...]:
    found = [mapping(entry.get("conditionalVisibility")), *objects(entry.get("conditionalVisibilities"))]
    return tuple(
        Condition(
            parameter=str(one["parameterName"]),
            equal=one.get("comparison", "isEqualTo") != "isNotEqualTo",
            value=str(one.get("value") or ""),
        )
        for one in found
        if one.get("parameterName")
    )
