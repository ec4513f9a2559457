"""What holds for every expression and every user: print and parse agree, only the declared error escapes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.core.expressions import (
    FUNCTIONS,
    Compat,
    EvaluationError,
    Ignore,
    ParseError,
    Surroundings,
    evaluate,
    parse,
    to_text,
)
from shared.core.expressions.function import WORDS, Kind
from shared.core.expressions.syntax import Attribute, Call, Compare, Comparison, Concat, Keyword, Number, Text, Word

NOW = datetime(2025, 7, 30, 12, tzinfo=UTC)
SURROUNDINGS = Surroundings(NOW, Random(1))
STRANGE = [
    "",
    "0",
    "-1",
    "7",
    "x",
    "True",
    "2024-02-29",
    "3/5/2024 2:07:09 PM",
    "a.b@c",
    "\ud800",
    "Ǆß",
    "(",
    "$1",
    "yyyy",
]

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(STRANGE)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
names = st.sampled_from(["a", "b", "c", "displayName", "extension_0123_x"])
leaves = (
    st.builds(Text, st.sampled_from([*STRANGE, '"', "\\", '\\"']) | st.text(max_size=6))
    | st.builds(Number, st.integers(-1000, 10**20))
    | st.builds(Attribute, names)
    | st.builds(Keyword, st.sampled_from([Word.IGNORE_ATTRIBUTE, Word.IGNORE_OBJECT]))
)


@st.composite
def calls(draw, inner):
    """A call of any function with the right number of arguments, right or wrong in every other way."""
    function = FUNCTIONS[draw(st.sampled_from(sorted(FUNCTIONS)))]
    count = draw(st.integers(function.at_least, max(function.at_least, len(function.parameters))))
    if function.repeats:
        count += function.repeats * draw(st.integers(0, 2))
        count += (len(function.parameters) - count) % function.repeats
    arguments = []
    for index in range(count):
        kind = function.parameter(index).kind
        if kind in WORDS:
            arguments.append(Keyword(draw(st.sampled_from(sorted(WORDS[kind])))))
        elif kind is Kind.CONDITION and draw(st.booleans()):
            arguments.append(Compare(draw(inner), draw(st.sampled_from(Comparison)), draw(inner)))
        else:
            arguments.append(draw(inner))
    return Call(function.name, tuple(arguments))


concats = lambda inner: st.lists(  # noqa: E731
    inner.filter(lambda node: not isinstance(node, Concat)), min_size=2, max_size=3
).map(lambda parts: Concat(tuple(parts)))
trees = st.recursive(leaves, lambda inner: calls(inner) | concats(inner), max_leaves=8)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(trees)
def test_what_was_printed_parses_to_the_same_tree(tree):
    """Parse after print is the identity, for every tree that is an expression."""
    text = to_text(tree)
    try:
        expression = parse(text)
    except ParseError:
        return
    assert expression.node == tree
    assert to_text(expression.node) == text


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(trees, st.dictionaries(names, values, max_size=4), st.sampled_from(Compat))
def test_evaluation_raises_nothing_but_the_declared_error(tree, attributes, compat):
    """Whatever the user's attributes are, there is a JSON value, a drop, or an EvaluationError."""
    try:
        expression = parse(to_text(tree))
        result = evaluate(expression, attributes, Surroundings(NOW, Random(1), compat))
    except (ParseError, EvaluationError):
        return
    assert isinstance(result, Ignore) or json.dumps(result)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(FUNCTIONS)), st.lists(values, max_size=8))
def test_every_function_takes_any_values(name, arguments):
    """The same with values of all kinds directly in a function's arguments."""
    text = f"{name}({','.join([f'[a{index}]' for index in range(len(arguments))])})"
    try:
        evaluate(parse(text), {f"a{index}": value for index, value in enumerate(arguments)}, SURROUNDINGS)
    except (ParseError, EvaluationError):
        return


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet='ALeft(),"[]\\ &=<>-1H\n.', max_size=40) | st.text(max_size=40))
def test_parsing_raises_nothing_but_the_declared_error(text):
    """Any text is an expression or a ParseError inside the text."""
    try:
        position = len(parse(text).text)
    except ParseError as error:
        position = error.position
    assert 0 <= position <= len(text)


@settings(max_examples=300, deadline=None)
@given(
    st.text(alphabet="ab01(?<n>)[]^-{},.*+|\\$dwkpLmz'=!:#", max_size=30), st.text(alphabet="ab01-$ \n", max_size=30)
)
def test_any_pattern_is_refused_or_ends(pattern, text):
    """A regular expression of an administrator never ends anything but its own expression."""
    try:
        evaluate(parse("Replace([t], ,[p], ,[t], , )"), {"t": text, "p": pattern}, SURROUNDINGS)
    except EvaluationError:
        return


@settings(max_examples=200, deadline=None)
@given(
    st.datetimes(min_value=datetime(1602, 1, 1), max_value=datetime(9000, 1, 1)),  # noqa: DTZ001 - naive, as text
    st.sampled_from(["yyyy", "m", "d", "ww", "h", "n", "s"]),
    st.integers(-500, 500),
)
def test_adding_and_differing_agree(at, interval, number):
    """DateDiff gives back what DateAdd added, and FormatDateTime reads what DateAdd printed."""
    attributes = {"d": at.isoformat(timespec="seconds")}
    added = f'DateAdd("{interval}",{number},CDate([d]))'
    assert evaluate(parse(f'DateDiff("{interval}",CDate([d]),{added})'), attributes, SURROUNDINGS) == number
    printed = evaluate(
        parse(f'FormatDateTime({added}, ,"M/d/yyyy h:mm:ss tt","M/d/yyyy h:mm:ss tt")'), attributes, SURROUNDINGS
    )
    assert printed == evaluate(parse(added), attributes, SURROUNDINGS)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_base64_comes_back(text):
    """ConvertFromBase64 undoes ConvertToBase64."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert evaluate(parse("ConvertFromBase64(ConvertToBase64([t]))"), {"t": whole}, SURROUNDINGS) == (whole or None)


@pytest.mark.parametrize(
    ("expression", "user", "fixed", "entra"),
    [
        ('IIF([a]="","Other",[a])', {}, "Other", None),
        ('IIF(IsNullOrEmpty([a]),"Other",[a])', {"a": ""}, "Other", None),
        ('IIF(IsPresent([a]),[a],"Other")', {}, "Other", "Other"),
        ('IIF([a]<>"x","t","f")', {}, "t", "f"),
        ('IIF([a]<>"x","t","f")', {"a": "y"}, "t", "t"),
        ('IIF("1"="1","t","f")', {}, "t", "t"),
        ('Switch([a],[a],"","Other")', {}, "Other", "Other"),
    ],
)
def test_compat_reproduces_the_documented_limit_of_iif(expression, user, fixed, entra):
    """A condition on an empty attribute fails in Entra, whatever it asks; ours decides it as it reads."""
    parsed = parse(expression)
    assert evaluate(parsed, user, SURROUNDINGS) == fixed
    assert evaluate(parsed, user, Surroundings(NOW, Random(1), Compat.ENTRA)) == entra


def test_given_randomness_gives_the_same_again():
    """Nothing random is drawn from anywhere but what was given."""
    parsed = parse('Join(" ",Guid(),RandomString(20,1,1,1,1))')
    first, second, other = [evaluate(parsed, {}, Surroundings(NOW, Random(seed))) for seed in (1, 1, 2)]
    assert first == second != other


def test_the_default_domain_is_the_one_given():
    """DefaultDomain() has a value where the target's is known."""
    surroundings = Surroundings(NOW, Random(1), default_domain="contoso.com")
    assert evaluate(parse('Join("@","a",DefaultDomain())'), {}, surroundings) == "a@contoso.com"


@pytest.mark.parametrize(
    "expression",
    [
        "CDate([s])",
        'Append("a",BitAnd([s],1))',
        "Error([s])",
        'Error(Append("who? ",[s]))',
        "IIF([s],1,2)",
        'Item(Split([s],","),9)',
        "ConvertFromBase64([s])",
        'FormatDateTime([s], ,"yyyy","MM")',
        "ToLower([s],[s])",
        'Replace("a", ,[s], ,"b", , )',
    ],
)
def test_no_message_repeats_what_the_user_is(expression):
    """Errors reach logs; they say what was expected, never what was there."""
    with pytest.raises(EvaluationError) as caught:
        evaluate(parse(expression), {"s": "Nestor(Wilke"}, SURROUNDINGS)
    assert "Nestor" not in str(caught.value)


def test_growth_is_bounded():
    """Functions that each multiply their input end in an error before they fill the memory."""
    text = "[s]"
    for _ in range(60):
        text = f'Replace({text},"a", , ,"aa", , )'
    with pytest.raises(EvaluationError, match="longer than"):
        evaluate(parse(text), {"s": "a"}, SURROUNDINGS)
