"""`$filter`: what it matches, what it refuses, and what the index may say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.tenants.odata.filter_parser import parse
from sandbox.tenants.odata.filters import FilterError, compiled, is_advanced, keys, names

ADELE = {
    "id": "11111111-1111-4111-8111-111111111111",
    "displayName": "Adele Vance",
    "mail": "AdeleV@contoso.com",
    "userType": "Member",
    "accountEnabled": True,
    "otherMails": ["a@x.com", "b@y.com"],
    "proxyAddresses": ["SMTP:AdeleV@contoso.com", "smtp:av@contoso.com"],
    "surname": "O'Neill",
    "employeeId": "1006",
    "createdDateTime": "2026-01-01T00:00:00Z",
}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("mail eq 'adelev@CONTOSO.com'", True),
        ("mail ne 'adelev@contoso.com'", False),
        ("surname eq 'O''Neill'", True),
        ("department eq null", True),
        ("mail eq null", False),
        ("accountEnabled eq true", True),
        ("not(accountEnabled eq true)", False),
        ("not accountEnabled eq false", True),
        ("startsWith(displayName,'adele')", True),
        ("startswith(displayName, 'vance')", False),
        ("endsWith(mail,'@contoso.com')", True),
        ("endsWith(department,'x')", False),
        ("otherMails/any(x:x eq 'B@Y.COM')", True),
        ("otherMails/any(x:x eq 'c@z.com')", False),
        ("otherMails/any()", True),
        ("businessPhones/any()", False),
        ("proxyAddresses/any(p:startsWith(p,'smtp:av'))", True),
        ("id in ('11111111-1111-4111-8111-111111111111','x')", True),
        ("id eq 11111111-1111-4111-8111-111111111111", True),
        ("userType in ('Guest')", False),
        ("userType eq 'Guest' or mail eq 'adelev@contoso.com' and accountEnabled eq true", True),
        ("(userType eq 'Guest' or mail eq 'adelev@contoso.com') and accountEnabled eq false", False),
        ("createdDateTime ge 2025-12-31T00:00:00Z", True),
        ("createdDateTime lt 2025-12-31T00:00:00Z", False),
    ],
)
def test_a_filter_matches_as_the_directory_does(text: str, matches: bool) -> None:
    """Case aside, nulls and precedence included."""
    assert compiled(parse(text))(ADELE) is matches


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mail",
        "mail eq",
        "mail xx 'a'",
        "(mail eq 'a'",
        "mail eq 'a' extra",
        "mail eq 'a",
        "eq 'a'",
        "a in ()",
        "%%",
    ],
)
def test_what_cannot_be_read_is_a_syntax_error(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert caught.value.syntax


@pytest.mark.parametrize("text", ["contains(mail,'a')", "otherMails/all(x:x eq 'a')", "tags/any(x:y eq 'a')"])
def test_what_graph_does_not_support_is_said_so(text: str) -> None:
    """It is no syntax error."""
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert not caught.value.syntax


@pytest.mark.parametrize(
    ("text", "advanced"),
    [("mail eq 'a'", False), ("mail ne 'a'", True), ("not(mail eq 'a')", True), ("endsWith(mail,'a')", True)],
)
def test_only_the_advanced_index_answers_ne_not_and_endswith(text: str, advanced: bool) -> None:
    """As Graph's table of advanced queries has it."""
    assert is_advanced(parse(text)) is advanced


def test_the_lookup_before_an_invitation_is_answered_by_the_index() -> None:
    """All four ways to find an address are index entries."""
    text = (
        "mail eq 'A@x' or otherMails/any(x:x eq 'a@x') or proxyAddresses/any(x:x eq 'SMTP:a@x') "
        "or userPrincipalName eq 'u'"
    )
    found = keys(parse(text), lambda name: name != "displayName")
    assert found == [
        ("mail", "A@x"),
        ("otherMails", "a@x"),
        ("proxyAddresses", "SMTP:a@x"),
        ("userPrincipalName", "u"),
    ]
    assert keys(parse("mail eq 'a' or displayName eq 'b'"), lambda name: name != "displayName") is None
    assert keys(parse("displayName eq 'b' and mail eq 'a'"), lambda name: name == "mail") == [("mail", "a")]


@given(value=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30))
def test_any_text_can_be_compared_when_quotes_are_doubled(value: str) -> None:
    """Whatever stands between quotes is the value, to the letter."""
    quoted = value.replace("'", "''")
    expression = parse(f"displayName eq '{quoted}'")
    assert names(expression) == {"displayName"}
    assert compiled(expression)({"displayName": value})
    assert not compiled(expression)({"displayName": value + "x"})


@given(text=st.text(alphabet="()'/:, eqnorany xmail19", max_size=40))
def test_no_text_breaks_the_parser(text: str) -> None:
    """It gives an expression or a FilterError."""
    try:
        expression = parse(text)
        compiled(expression)({})
    except FilterError:
        return
    assert names(expression) is not None
