"""`scope`: verdicts of scoping filters, as a conversation in JSON lines for other programs.

A filter that cannot be evaluated is answered with an error, never with "out": out can delete somebody.
"""

from __future__ import annotations

import sys
from typing import Any, assert_never

import click

from admin.json_lines import QuestionError, answer_lines, field, instant
from shared.core.scoping import InScope, Out, Undecidable, evaluate_filter, parse_filter


@click.command()
def scope() -> None:
    """Evaluate scoping filters: JSON lines from standard input, one answer each.

    A question is {"id", "filter": {"groups": […]}, "attributes": {…}}, with "now" if a filter asks for dates;
    an answer has "in_scope" and "why", or "error" ({"message", "position"}).
    """
    answer_lines(sys.stdin.buffer, _answer)


def _answer(question: dict[str, Any]) -> dict[str, Any]:
    attributes = field(question, "attributes", dict, "an object")
    found, faults = parse_filter(question.get("filter"))
    if found is None:
        raise QuestionError("; ".join([f"filter{fault.path}: {fault.message}" for fault in faults]))
    verdict = evaluate_filter(found, attributes, now=instant(question.get("now")))
    match verdict:
        case InScope(why=why):
            return {"in_scope": True, "why": why}
        case Out(why=why):
            return {"in_scope": False, "why": why}
        case Undecidable(why=why):
            raise QuestionError(why)
        case _:
            assert_never(verdict)
