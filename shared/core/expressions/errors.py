"""What can go wrong with an expression, and where in its text.

    ExpressionError           has a message and a position
    ├── ParseError            the text is no expression; found at load, before any user is read
    └── EvaluationError       the expression failed for one user; the batch goes on

A message never holds a value of the user's: it reaches logs. It says what was expected instead.
`Failure` and `IgnoreFlow` are the evaluator's own signals and never leave this package.
"""

from __future__ import annotations

from enum import Enum

_CARET_WIDTH = 100  # characters of the faulty line that are shown; expressions may have 10,000


class ExpressionError(Exception):
    """An expression cannot be read or evaluated.

    `position` counts characters from 0. `expected` says what would be right, "" when the message does.
    """

    def __init__(self, message: str, position: int, *, expected: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.expected = expected

    def __str__(self) -> str:
        wanted = f"; expected {self.expected}" if self.expected else ""
        return f"{self.message}{wanted} (at character {self.position + 1})"


class ParseError(ExpressionError):
    """The text is not an expression."""


class EvaluationError(ExpressionError):
    """The expression has no value for this user."""


class Ignore(Enum):
    """A result that is no value: what shall be dropped from the write."""

    ATTRIBUTE = "attribute"
    OBJECT = "object"


class IgnoreFlow(Exception):  # noqa: N818 - a signal, not an error: it carries a result past the callers
    """Ends the evaluation of a whole expression with `what`."""

    def __init__(self, what: Ignore) -> None:
        super().__init__(what)
        self.what = what


class Failure(Exception):  # noqa: N818 - becomes an EvaluationError once the position is known
    """A function's complaint about its arguments."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def caret(text: str, position: int) -> str:
    """Two lines: the line of `text` that holds `position`, and a caret under that character."""
    position = max(0, min(position, len(text)))
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    line = text[start : len(text) if end < 0 else end]
    column = position - start
    cut = max(0, column - _CARET_WIDTH // 2)
    shown = line[cut : cut + _CARET_WIDTH].replace("\t", " ").rstrip("\r")
    before = "…" if cut else ""
    after = "…" if cut + _CARET_WIDTH < len(line) else ""
    return f"{before}{shown}{after}\n{' ' * (column - cut + len(before))}^"
