"""`evaluate`: values of expressions, as a conversation in JSON lines for other programs.

It evaluates what it is given and nothing else: no tenant is read, no configuration needed. The conversation
itself is here too, and `scope` speaks it: one answer per question, in order, each flushed, and nothing else.
A line that is no question gets an error and the stream goes on.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from random import SystemRandom
from typing import TYPE_CHECKING, Any, NoReturn

import click

from shared.core.expressions import (
    Compat,
    EvaluationError,
    Ignore,
    ParseError,
    Surroundings,
    parse,
)
from shared.core.expressions import evaluate as evaluate_expression

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@click.command()
@click.option(
    "--compat",
    type=click.Choice([compat.value for compat in Compat]),
    default=Compat.FIXED.value,
    help="entra: reproduce the documented limits of Entra's own evaluation.",
)
def evaluate(compat: str) -> None:
    """Evaluate expressions: JSON lines from standard input, one answer each.

    A question is {"id", "expression", "attributes": {…}, "now": "2025-07-30T12:00:00Z" or null}; an answer
    has "result", "ignore" ("attribute" or "object") or "error" ({"message", "position"}).
    """
    kind = Compat(compat)
    random = SystemRandom()

    def answer(question: dict[str, Any]) -> dict[str, Any]:
        text = field(question, "expression", str, "a text")
        attributes = field(question, "attributes", dict, "an object")
        surroundings = Surroundings(instant(question.get("now")), random, kind)
        try:
            value = evaluate_expression(parse(text), attributes, surroundings)
        except ParseError as error:
            wanted = f"; expected {error.expected}" if error.expected else ""
            raise QuestionError(error.message + wanted, error.position) from None
        except EvaluationError as error:
            raise QuestionError(error.message, error.position) from None
        return {"ignore": value.value} if isinstance(value, Ignore) else {"result": value}

    answer_lines(sys.stdin.buffer, answer)


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
