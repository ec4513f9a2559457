"""The tree that an expression is parsed into, and the text that a tree prints as.

Nodes are values: two that differ in position only are equal, so that parsing what was printed gives
the same tree. Nothing here knows a function or evaluates anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, assert_never

if TYPE_CHECKING:
    from collections.abc import Iterator


class Word(StrEnum):
    """The bare words of the language."""

    TEXT_COMPARE = "vbTextCompare"
    BINARY_COMPARE = "vbBinaryCompare"
    CASE_SENSITIVE = "CaseSensitive"
    CASE_INSENSITIVE = "CaseInsensitive"
    UTF8 = "UTF8"
    UNICODE = "Unicode"
    ASCII = "ASCII"
    IGNORE_ATTRIBUTE = "IgnoreAttributeFlow"
    IGNORE_OBJECT = "IgnoreObjectFlow"


class Comparison(Enum):
    """The operators of a condition."""

    EQUAL = "="
    NOT_EQUAL = "<>"
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    LESS = "<"
    LESS_OR_EQUAL = "<="


@dataclass(frozen=True, slots=True)
class Text:
    """A constant in double quotes."""

    value: str
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal or `&H` constant."""

    value: int | float
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Attribute:
    """`[name]`."""

    name: str
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Keyword:
    """A bare word."""

    word: Word
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Omitted:
    """A positional argument that was left empty."""

    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Concat:
    """`left & right & …`, at least two parts."""

    parts: tuple[Node, ...]
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Compare:
    """`left = right` and its kin."""

    left: Node
    operator: Comparison
    right: Node
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """`Function(argument, …)`."""

    function: str
    arguments: tuple[Node, ...]
    position: int = field(default=0, compare=False)


Node = Text | Number | Attribute | Keyword | Omitted | Concat | Compare | Call


def walk(node: Node) -> Iterator[Node]:
    """`node` and everything under it."""
    waiting: list[Node] = [node]
    while waiting:
        here = waiting.pop()
        yield here
        match here:
            case Call(arguments=below) | Concat(parts=below):
                waiting.extend(below)
            case Compare(left=left, right=right):
                waiting.extend((left, right))
            case Text() | Number() | Attribute() | Keyword() | Omitted():
                pass
            case _:
                assert_never(here)


def to_text(node: Node) -> str:
    """The expression that parses to `node`."""
    match node:
        case Text(value=value):
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
        case Number(value=number):
            return str(number)
        case Attribute(name=name):
            return f"[{name}]"
        case Keyword(word=word):
            return word.value
        case Omitted():
            return ""
        case Concat(parts=parts):
            return " & ".join([to_text(part) for part in parts])
        case Compare(left=left, operator=operator, right=right):
            return f"{to_text(left)} {operator.value} {to_text(right)}"
        case Call(function=function, arguments=arguments):
            return f"{function}({', '.join([to_text(argument) for argument in arguments])})"
        case _:
            assert_never(node)
