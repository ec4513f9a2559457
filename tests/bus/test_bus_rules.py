"""Subscription rules: what matches, what does not, what is unknown, and what is refused."""

from __future__ import annotations

import pytest
from bus_samples import message
from hypothesis import given
from hypothesis import strategies as st

from sandbox.bus.amqp.types import Int
from sandbox.bus.broker.message import Message
from sandbox.bus.rules.filters import CorrelationFilter, FalseFilter, TrueFilter
from sandbox.bus.rules.sql_parser import MAX_LENGTH, parse_sql_filter
from sandbox.bus.rules.sql_tokens import SqlError
from sandbox.bus.rules.sql_tree import evaluate
from sandbox.bus.rules.view import MessageView

PROPERTIES = {
    "target": "emea",
    "Level": Int(3),
    "ratio": 1.5,
    "urgent": True,
    "empty": None,
    "With Space": "yes",
    "pattern": "10%_off",
    "quote": "it's",
}
VIEW = MessageView(
    message("m-1", session_id="s-1", subject="User.Changed", correlation_id="c-1", application_properties=PROPERTIES)
)


@pytest.mark.parametrize(
    ("expression", "truth"),
    [
        ("1=1", True),
        ("1=0", False),
        ("target = 'emea'", True),
        ("TARGET = 'emea'", True),
        ("target = 'EMEA'", False),
        ("target <> 'apac'", True),
        ("target != 'emea'", False),
        ("target IS NULL OR target = 'emea'", True),
        ("target IS NULL OR target = 'apac'", False),
        ("missing IS NULL", True),
        ("missing IS NOT NULL", False),
        ("empty IS NULL", True),
        ("target is not null", True),
        ("missing = 'x'", None),
        ("missing <> 'x'", None),
        ("missing = NULL", None),
        ("empty = 'x'", None),
        ("NOT missing = 'x'", None),
        ("Level = 3", True),
        ("Level > 2 AND Level < 4", True),
        ("Level >= 3 AND Level <= 3", True),
        ("Level = 3.0", True),
        ("ratio = 1.5", True),
        ("ratio > -1", True),
        ("ratio = 15E-1", True),
        ("Level = '3'", None),
        ("target > 5", None),
        ("urgent = TRUE", True),
        ("urgent <> FALSE", True),
        ("urgent > FALSE", None),
        ("urgent = 1", None),
        ("target IN ('apac', 'emea')", True),
        ("target IN ('apac')", False),
        ("target NOT IN ('apac')", True),
        ("target NOT IN ('emea', 'apac')", False),
        ("missing IN ('x')", None),
        ("missing NOT IN ('x')", None),
        ("target IN ('apac', missing)", None),
        ("Level IN (1, 2, 3)", True),
        ("target LIKE 'em%'", True),
        ("target LIKE '_mea'", True),
        ("target LIKE 'em'", False),
        ("target LIKE 'e.ea'", False),
        ("target NOT LIKE 'ap%'", True),
        ("missing LIKE '%'", None),
        ("Level LIKE '3'", None),
        ("pattern LIKE '10!%!_off' ESCAPE '!'", True),
        ("pattern LIKE '10!%!_on' ESCAPE '!'", False),
        ("target LIKE 'e!%' ESCAPE '!'", False),
        ("quote = 'it''s'", True),
        ("[With Space] = 'yes'", True),
        ("\"With Space\" = 'yes'", True),
        ("user.target = 'emea'", True),
        ("sys.MessageId = 'm-1'", True),
        ("sys.label LIKE 'User.%'", True),
        ("sys.SessionId = 's-1' AND sys.CorrelationId = 'c-1'", True),
        ("sys.To IS NULL", True),
        ("EXISTS(target)", True),
        ("EXISTS(empty)", True),
        ("EXISTS(missing)", False),
        ("EXISTS(sys.Label)", True),
        ("NOT EXISTS(missing)", True),
        ("'emea' = target", True),
        ("NOT NOT target = 'emea'", True),
        ("(target = 'apac' OR Level = 3) AND urgent = TRUE", True),
        ("target = 'emea' OR target = 'apac' AND Level = 9", True),
        ("(target = 'emea' OR target = 'apac') AND Level = 9", False),
        ("NOT target = 'apac' AND Level = 3", True),
        ("NOT (target = 'emea' AND Level = 3)", False),
    ],
)
def test_expressions_mean_what_sql_says(expression, truth):
    """Each expression is true, false or unknown for one known message, and only true matches."""
    found = parse_sql_filter(expression)
    assert evaluate(found.predicate, VIEW) is truth
    assert found.matches(VIEW) is (truth is True)


@pytest.mark.parametrize(
    ("operator", "left", "right", "truth"),
    [
        ("AND", "1=1", "missing=1", None),
        ("AND", "1=0", "missing=1", False),
        ("AND", "missing=1", "1=0", False),
        ("AND", "missing=1", "missing=1", None),
        ("OR", "1=1", "missing=1", True),
        ("OR", "missing=1", "1=1", True),
        ("OR", "1=0", "missing=1", None),
        ("OR", "missing=1", "missing=1", None),
    ],
)
def test_unknown_yields_only_to_what_decides(operator, left, right, truth):
    """AND and OR follow SQL's tables of three values."""
    assert evaluate(parse_sql_filter(f"{left} {operator} {right}").predicate, VIEW) is truth


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("", "a value was due"),
        ("target", "comparison"),
        ("target = ", "a value was due"),
        ("target = 'emea", "not supported at character 10"),
        ("target == 'emea'", "a value was due"),
        ("Level + 1 = 4", "not '+'"),
        ("Level = 1 + 2", "'+' is not supported here"),
        ("newid() = 'x'", "function 'newid'"),
        ("property('target') = 'emea'", "function 'property'"),
        ("target = @region", "'@' is not supported"),
        ("sys.Nothing = 1", "sys.Nothing"),
        ("other.target = 1", "neither sys nor user"),
        ("target LIKE 5", "LIKE pattern"),
        ("target LIKE 'a' ESCAPE 'ab'", "one character"),
        ("target IN ()", "a value was due"),
        ("target IN ('a'", "')' was due"),
        ("(target = 'a'", "')' was due"),
        ("target = 'a')", "not supported here"),
        ("target = 'a' target = 'b'", "not supported here"),
        ("target IS 5", "NULL was due"),
        ("5 IS NULL", "a property, not a constant"),
        ("EXISTS('a')", "a property was due"),
        ("target BETWEEN 1 AND 2", "'BETWEEN'"),
        ("-target = 1", "before a number only"),
        ("a; b", "';' is not supported"),
        ("(" * 50 + "1=1" + ")" * 50, "too deeply"),
        ("a = '" + "x" * MAX_LENGTH + "'", "longer than"),
    ],
)
def test_what_is_not_supported_is_refused_with_its_place(expression, what):
    """Nothing is skipped or guessed: the message names the problem and the character."""
    with pytest.raises(SqlError, match=r"at character [0-9]+") as caught:
        parse_sql_filter(expression)
    assert what in str(caught.value)


@given(st.text(alphabet="ab1='%<>()., ANDORNOTINLIKEISNULL[]\"", max_size=60))
def test_any_text_is_a_filter_or_refused(text):
    """The parser ends in a filter or a SqlError for every text, and every filter can be evaluated."""
    try:
        found = parse_sql_filter(text)
    except SqlError:
        return
    assert evaluate(found.predicate, VIEW) in {True, False, None}


@pytest.mark.parametrize(
    ("correlation", "matches"),
    [
        (CorrelationFilter(system=(("label", "User.Changed"),)), True),
        (CorrelationFilter(system=(("label", "user.changed"),)), False),
        (CorrelationFilter(system=(("messageid", "m-1"), ("sessionid", "s-1"))), True),
        (CorrelationFilter(system=(("messageid", "m-1"), ("sessionid", "other"))), False),
        (CorrelationFilter(system=(("to", "x"),)), False),
        (CorrelationFilter(user=(("target", "emea"),)), True),
        (CorrelationFilter(user=(("Target", "emea"),)), False),
        (CorrelationFilter(user=(("Level", 3),)), True),
        (CorrelationFilter(user=(("urgent", True),)), True),
        (CorrelationFilter(user=(("urgent", 1),)), False),
        (CorrelationFilter(user=(("Level", "3"),)), False),
        (CorrelationFilter(system=(("correlationid", "c-1"),), user=(("target", "apac"),)), False),
    ],
)
def test_correlation_filters_want_everything_equal(correlation, matches):
    """All named properties must be equal in value and kind."""
    assert correlation.matches(VIEW) is matches


def test_true_and_false_filters_do_not_look():
    """They hold for every message."""
    nothing = MessageView(Message(b"", "id"))
    assert TrueFilter().matches(nothing)
    assert not FalseFilter().matches(nothing)
