"""`evaluate`: values of expressions, as a conversation in JSON lines for other programs.

It evaluates what it is given and nothing else: no tenant is read, no configuration needed.
"""

from __future__ import annotations

import sys
from random import SystemRandom
from typing import Any

import click

from admin.json_lines import QuestionError, answer_lines, field, instant
from shared.core.expressions import (
    Compat,
    EvaluationError,
    Ignore,
    ParseError,
    Surroundings,
    parse,
)
from shared.core.expressions import evaluate as evaluate_expression


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
