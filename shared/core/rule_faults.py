"""A fault of the rules that an administrator wrote: where it is, what is wrong, what would be right.

Faults are values, collected and shown all at once; nobody should have to start the product once per
typing mistake. They name settings, which are no personal data. What goes wrong at run time is no concern
of this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .expressions import caret

if TYPE_CHECKING:
    from .expressions import ParseError


@dataclass(frozen=True, slots=True)
class RuleFault:
    """One fault. `path` is relative to what was parsed; `message` says all, with a caret under an expression."""

    path: str
    message: str
    text: str | None = None  # the expression that is wrong
    position: int | None = None  # in `text`, from 0


def expression_fault(path: str, text: str, error: ParseError) -> RuleFault:
    """The fault of an expression that could not be parsed."""
    expected = f"; expected {error.expected}" if error.expected else ""
    shown = "".join([f"\n    {line}" for line in caret(text, error.position).splitlines()])
    return RuleFault(path, f"{error.message}{expected}{shown}", text, error.position)
