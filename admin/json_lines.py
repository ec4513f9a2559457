"""Conversations with other programs: questions as JSON lines, one answer each, in order, and nothing else.

Each answer is flushed before the next question is read. A line that is no question gets an error, and the stream
goes on. What the questions ask is the business of the commands that speak this.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class QuestionError(Exception):
    """A question that cannot be answered; `position` counts characters of its expression from 0."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


def answer_lines(lines: Iterable[bytes], answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Write to standard output what `answer` gives for each line, with the question's `id`.

    `answer` gets a JSON object and raises QuestionError. Empty lines are no questions.
    """
    for line in lines:
        if line.strip():
            sys.stdout.write(json.dumps(_answer(line, answer)) + "\n")
            sys.stdout.flush()


def _answer(line: bytes, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    try:
        question = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        return _error(None, f"this line is no JSON: {type(error).__name__}", None)
    if not isinstance(question, dict):
        return _error(None, "a question is a JSON object", None)
    identity = question.get("id")
    try:
        return {"id": identity, **answer(question)}
    except QuestionError as error:
        return _error(identity, error.message, error.position)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _error(identity: object, message: str, position: int | None) -> dict[str, Any]:
    return {"id": identity, "error": {"message": message, "position": position}}


def field(question: dict[str, Any], name: str, kind: type, what: str) -> Any:
    """A field of the question that must be of a kind. Raises QuestionError."""
    value = question.get(name)
    if not isinstance(value, kind):
        raise QuestionError(f"{name} must be {what}")
    return value


def instant(text: object) -> datetime:
    """The question's clock: an ISO 8601 text, or the real one for null. Raises QuestionError."""
    if text is None:
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        at = None
    if at is None:
        raise QuestionError("now must be an ISO 8601 text or null")
    return at if at.tzinfo else at.replace(tzinfo=UTC)
