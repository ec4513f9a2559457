"""What an administrator is told of an expression that is none, and how far the language goes."""

from __future__ import annotations

import time

import pytest

from shared.core.expressions import FUNCTIONS, ParseError, caret, parse, to_text

FAULTS = [
    ('tolower("A")', 0, "ToLower"),
    ('Append("a", Nope("b"))', 12, "one of the functions"),
    ('ApendX("a","b")', 0, "Append"),
    ('ToLower("A"', 11, ", or )"),
    ('ToLower("A)', 8, 'a closing "'),
    ("ToLower([a)", 8, "a closing ]"),
    ('ToLower("A") x', 13, "nothing more"),
    ("ToLower('A')", 8, "constants stand in double quotes"),
    ("department", 0, 'an [attribute] or a "constant"'),
    ('Append("a", ToLower)', 12, "ToLower( … )"),
    ('Append("a",)', 11, "a value"),
    ('Left("a")', 8, "a value"),
    ('Left("a",1,2)', 11, ")"),
    ('InStr("a","b",1,UTF8)', 16, "vbTextCompare or vbBinaryCompare"),
    ('Append("a"="b","c")', 10, "IIF( … ) or CBool( … )"),
    ('IIF([a]="b"="c",1,2)', 11, ", or )"),
    ('Switch([a],"d","k")', 18, "key, value always together"),
    ('Left(SelectUniqueValue("a","b"),1)', 5, "SelectUniqueValue around the whole expression"),
    ("", 0, 'a function, an [attribute] or a "constant"'),
    ("IgnoreAttributFlow", 0, "IgnoreAttributeFlow"),
]


@pytest.mark.parametrize(("text", "position", "expected"), FAULTS)
def test_a_fault_says_where_it_is_and_what_would_be_right(text, position, expected):
    """Position and expectation of each kind of fault."""
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert caught.value.position == position
    assert expected in caught.value.expected


@pytest.mark.parametrize(
    ("text", "position", "word"),
    [
        ('Replace([a], ,"(b", ,"", , )', 14, "parenthesis"),
        ('Replace("a", ,"(?<x>b)","y","z")', 14, "regexGroupName"),
        ('DateAdd("q",1,Now())', 8, "yyyy, m, d, ww, h, n, s"),
        ('FormatDateTime("a", ,"yyyy","\'x")', 28, "quoted"),
        ('Replace("a","b")', 8, "oldValue or regexPattern"),
    ],
)
def test_a_constant_that_cannot_work_is_a_fault_at_load(text, position, word):
    """Patterns, intervals and formats are not left to fail for every user."""
    with pytest.raises(ParseError, match=word) as caught:
        parse(text)
    assert caught.value.position == position


def test_the_caret_stands_under_the_fault_in_its_line():
    """Of several lines only the faulty one is shown; of a long one only the surroundings."""
    assert caret('Join("-",\n  [a], Nope())', 17) == "  [a], Nope())\n       ^"
    line, mark = caret("x" * 500 + "!" + "y" * 500, 500).splitlines()
    assert line[mark.index("^")] == "!"
    assert len(line) < 110


@pytest.mark.parametrize("depth", [1, 100, 200])
def test_reasonable_nesting_works(depth):
    """200 functions inside one another parse, print and evaluate."""
    text = "ToUpper(" * depth + "[a]" + ")" * depth
    assert to_text(parse(text).node) == text


def test_unreasonable_nesting_is_a_fault_within_a_second():
    """1,000 functions inside one another are refused by name, not by Python's stack."""
    started = time.perf_counter()
    with pytest.raises(ParseError, match="more than 220 functions"):
        parse("ToUpper(" * 1000 + "[a]" + ")" * 1000)
    assert time.perf_counter() - started < 1


def test_an_expression_has_at_most_ten_thousand_characters():
    """Entra's limit: 10,000 parse, one more does not."""
    text = 'Join("",' + ",".join(['"abcdefg"'] * 999)
    parse(text.ljust(9_999) + ")")
    with pytest.raises(ParseError, match="10001 characters"):
        parse(text.ljust(10_000) + ")")


def test_every_function_of_the_reference_is_there():
    """The 42 functions of the reference, those of cloud sync and Graph, and our two."""
    reference = """Append AppRoleAssignmentsComplex BitAnd CBool CDate Coalesce ConvertToBase64 ConvertToUTF8Hex Count
    CStr DateAdd DateDiff DateFromNum FormatDateTime Guid IgnoreFlowIfNullOrEmpty IIF InStr IsNull IsNullOrEmpty
    IsPresent IsString Item Join Left Mid NormalizeDiacritics Not Now NumFromDate PCase RandomString Redact
    RemoveDuplicates Replace SelectUniqueValue SingleAppRoleAssignment Split StripSpaces Switch ToLower ToUpper Word"""
    extras = """AssertiveAppRoleAssignmentsComplex ConvertFromBase64 DNComponent Error StringFromSid Trim Contains CRef
    DefaultDomain AltSecIdFromNetId And Or"""
    assert set(FUNCTIONS) == set(reference.split()) | set(extras.split())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_either_called_or_built(name):
    """The compiler relies on one of the two being there, and on names being their own keys."""
    function = FUNCTIONS[name]
    assert function.name == name
    assert (function.call is None) != (function.build is None)


def test_what_is_read_is_known_whatever_branch_is_taken():
    """Only these attributes are asked of Graph, so none may be missing."""
    expression = parse('IIF([a]="x",Switch([b],[c],[d],"1"),"t" & [e])')
    assert expression.attributes == {"a", "b", "c", "d", "e"}


def test_what_is_redacted_or_varies_is_known():
    """Redact anywhere hides the result; a random part makes it unfit for updates."""
    assert parse('Append("a",Redact([b]))').redacts
    assert not parse("[b]").redacts
    assert parse("Left(Guid(),5)").varies == "Guid"
    assert parse("Now()").varies is None
