"""The two conversations in JSON lines, run as other programs run them: with every vector, and with rubbish."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

VECTORS = Path(__file__).parent / "vectors"
ROOT = Path(__file__).parents[2]
IGNORED = {"<<ignore-attribute>>": "attribute", "<<ignore-object>>": "object"}


def converse(command: str, lines: list[str]) -> list[dict]:
    """The answers of `python -m admin COMMAND` to these lines."""
    done = subprocess.run(
        [sys.executable, "-m", "admin", command],
        input="".join(line + "\n" for line in lines).encode(),
        capture_output=True,
        cwd=ROOT,
        timeout=120,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def vectors(name: str) -> list[dict]:
    """The vectors of a file."""
    return [json.loads(line) for line in (VECTORS / name).read_text(encoding="utf-8").splitlines()]


def fulfilled(vector: dict, answer: dict) -> bool:
    """Whether an answer is what the vector expects, type included: "True" is not true and "" is not null."""
    expected = vector.get("expected")
    if vector.get("expected_error") or (vector.get("or_error") and "error" in answer):
        return bool(answer.get("error", {}).get("message"))
    if "expected_regex" in vector:
        return re.search(vector["expected_regex"], answer.get("result", "")) is not None
    if isinstance(expected, str) and expected in IGNORED:
        return answer == {"id": vector["id"], "ignore": IGNORED[expected]}
    return json.dumps(answer) == json.dumps({"id": vector["id"], "result": expected})


def test_every_expression_vector_comes_out_right():
    """All vectors in one conversation, in order, with values of exactly the expected type."""
    asked = vectors("expressions.jsonl")
    questions = [
        json.dumps({key: vector[key] for key in ("id", "expression", "attributes", "now")}) for vector in asked
    ]
    answers = converse("evaluate", questions)
    assert [answer["id"] for answer in answers] == [vector["id"] for vector in asked]
    wrong = [(v, a) for v, a in zip(asked, answers, strict=True) if not fulfilled(v, a)]
    assert wrong == []


def test_every_scoping_vector_comes_out_right():
    """All vectors in one conversation; a filter that cannot be decided is an error, never an out."""
    asked = vectors("scoping.jsonl")
    questions = [json.dumps({key: vector[key] for key in ("id", "filter", "attributes")}) for vector in asked]
    answers = converse("scope", questions)
    assert [answer["id"] for answer in answers] == [vector["id"] for vector in asked]
    wrong = [
        (vector, answer)
        for vector, answer in zip(asked, answers, strict=True)
        if not (
            "error" in answer
            if vector.get("expected_error") or (vector.get("or_error") and "error" in answer)
            else answer.get("in_scope") is vector["expected"] and answer["why"]
        )
    ]
    assert wrong == []


@pytest.mark.parametrize("command", ["evaluate", "scope"])
def test_a_line_that_is_no_question_gets_an_error_and_the_stream_goes_on(command):
    """Rubbish has no id; a question without its parts keeps its id; an empty line is no question."""
    rubbish = ["{", "", "[1]", "null", '{"id": 1, "attributes": NaN}', "[" * 5000, '{"id": 7}', '{"id": "last"}']
    answers = converse(command, rubbish)
    assert [answer["id"] for answer in answers] == [None, None, None, None, None, 7, "last"]
    assert all(set(answer) == {"id", "error"} and answer["error"]["message"] for answer in answers)


def test_an_error_says_where():
    """The position of a parse error and of an evaluation error count characters from 0."""
    question = {"id": 1, "attributes": {}, "now": None}
    answers = converse(
        "evaluate",
        [
            json.dumps({**question, "expression": 'Append("a", Nope("b"))'}),
            json.dumps({**question, "expression": 'Append("a", CDate("b"))'}),
            json.dumps({**question, "expression": '"a"', "now": "yesterday"}),
            json.dumps({**question, "expression": '"a"', "attributes": []}),
        ],
    )
    assert [answer["error"]["position"] for answer in answers] == [12, 12, None, None]
