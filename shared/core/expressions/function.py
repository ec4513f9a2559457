"""What the parser and the compiler must know about a function, and the shape of its implementation.

Most functions are eager: they get values and give one. Those that decide what to evaluate, or that
work differently when an argument was left out, are built from their compiled arguments instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from .syntax import Node, Word

if TYPE_CHECKING:
    from collections.abc import Callable

    from .environment import Run
    from .syntax import Call
    from .values import Value


class Kind(Enum):
    """What may stand in the place of a parameter, beside a value."""

    VALUE = "a value"
    CONDITION = "a condition"
    COMPARE_TYPE = "vbTextCompare or vbBinaryCompare"
    CASE_TYPE = "CaseSensitive or CaseInsensitive"
    ENCODING = "UTF8, Unicode or ASCII"


WORDS = {
    Kind.COMPARE_TYPE: frozenset({Word.TEXT_COMPARE, Word.BINARY_COMPARE}),
    Kind.CASE_TYPE: frozenset({Word.CASE_SENSITIVE, Word.CASE_INSENSITIVE}),
    Kind.ENCODING: frozenset({Word.UTF8, Word.UNICODE, Word.ASCII}),
}
"""The bare words that a parameter of that kind takes, and nothing else than these."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter, named as Microsoft's reference names it."""

    name: str
    kind: Kind = Kind.VALUE
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a check at load found wrong, and at which argument."""

    message: str
    argument: int
    offset: int = 0  # into the argument's own text


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the language.

    Either `call` gets the values of the arguments, None for one left out (and, with `ambient`, the
    environment before them), or `build` makes the compiled call. `check` sees the arguments at load.
    """

    name: str
    parameters: tuple[Parameter, ...]
    call: Callable[..., Value] | None = None
    build: Callable[[Call, tuple[Run, ...]], Run] | None = None
    check: Callable[[tuple[Node, ...]], Complaint | None] | None = None
    repeats: int = 0  # so many of the last parameters repeat together
    ambient: bool = False
    top_level: bool = False  # may not stand inside another function
    varies: bool = False  # gives another value every time: for creation only

    @property
    def at_least(self) -> int:
        """The number of arguments that must be there."""
        needed = [index + 1 for index, parameter in enumerate(self.parameters) if not parameter.optional]
        fixed = max(needed, default=0)
        return max(fixed, len(self.parameters)) if self.repeats else fixed

    def parameter(self, index: int) -> Parameter | None:
        """The parameter that the argument at `index` stands for; None when there are too many."""
        if index < len(self.parameters):
            return self.parameters[index]
        if not self.repeats:
            return None
        first = len(self.parameters) - self.repeats
        return self.parameters[first + (index - first) % self.repeats]


def values(*names: str) -> tuple[Parameter, ...]:
    """Parameters that take values; a name that ends in `?` is optional."""
    return tuple([Parameter(name.rstrip("?"), optional=name.endswith("?")) for name in names])
