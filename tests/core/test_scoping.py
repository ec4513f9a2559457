"""Scoping filters: the tree beyond Entra's groups, verdicts in words, and faults."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shared.core.attributes import complaint
from shared.core.scoping import InScope, Out, Undecidable, evaluate_filter, parse_filter

NOW = datetime(2025, 7, 30, 12, tzinfo=UTC)
ENDLESS = {"attribute": "s", "operator": "REGEX MATCH", "value": r"^(\w|\w\w)+\d$"}


def verdict(raw, **attributes):
    """The verdict of a filter without faults."""
    scope, faults = parse_filter(raw)
    assert faults == ()
    return evaluate_filter(scope, attributes, now=NOW)


def clause(attribute, operator, *values):
    """A clause in the terse shape."""
    return {"attribute": attribute, "operator": operator, "values": list(values)}


SALES, GERMANY = clause("department", "EQUALS", "Sales"), clause("country", "EQUALS", "DE")

TREES = [
    (SALES, {"department": "Sales"}, InScope),
    ([SALES, GERMANY], {"department": "Sales", "country": "DE"}, InScope),
    ([SALES, GERMANY], {"department": "Sales"}, Out),
    ({"all": [SALES, GERMANY]}, {"country": "DE"}, Out),
    ({"any": [SALES, GERMANY]}, {"country": "DE"}, InScope),
    ({"any": [SALES, GERMANY]}, {}, Out),
    ({"not": SALES}, {}, InScope),
    ({"not": SALES}, {"department": "Sales"}, Out),
    ({"not": {"any": [SALES, GERMANY]}}, {"country": "DE"}, Out),
    ({"all": [SALES, {"not": GERMANY}]}, {"department": "Sales", "country": "US"}, InScope),
    ({"groups": []}, {}, InScope),
    ({"name": "g", "clauses": [SALES]}, {"department": "Sales"}, InScope),
    (clause("userType", "EQUALS", "Member"), {"userType": "Member"}, InScope),
    (clause("manager", "IS NULL"), {"manager": None}, InScope),
    (clause("manager", "EQUALS", "7"), {"manager": "7"}, InScope),
    (clause("department", "equals", "Sales"), {"department": "Sales"}, InScope),
    (clause("level", "GREATER THAN OR EQUALS", 5), {"level": 5}, InScope),
    (clause("mail", "STARTS_WITH", "a@", "b@"), {"mail": "b@x"}, InScope),
    (clause("mail", "STARTS_WITH", "a@"), {"mail": "xa@"}, Out),
    (clause("d", "BEFORE", "2025-07-30"), {"d": "2025-07-29T23:59:59Z"}, InScope),
    (clause("d", "BEFORE", "2025-07-30"), {"d": "2025-07-30T00:00:00Z"}, Out),
    (clause("d", "BEFORE", "now+14d"), {"d": "2025-08-13"}, InScope),
    (clause("d", "BEFORE", "now+14d"), {"d": "2025-08-14"}, Out),
    (clause("d", "AFTER", "now - 7d"), {"d": "2025-07-24"}, InScope),
    (clause("d", "AFTER", "now"), {"d": None}, Out),
    (clause("d", "AFTER", "now"), {"d": "not a date"}, Undecidable),
    (clause("m", "Includes", "smtp:"), {"m": ["x", "smtp:y"]}, InScope),
    (clause("m", "NOT REGEX MATCH", "^smtp:"), {"m": ["x", "smtp:y"]}, Out),
]


@pytest.mark.parametrize(("raw", "attributes", "expected"), TREES)
def test_the_tree_decides(raw, attributes, expected):
    """all, any, not, lists, dates, several values, reference and type: beyond Entra."""
    assert isinstance(verdict(raw, **attributes), expected)


def test_an_unquoted_date_of_yaml_is_a_date():
    """YAML makes it a date of its own accord."""
    raw = yaml.safe_load("{attribute: d, operator: AFTER, value: 2025-01-01}")
    assert isinstance(verdict(raw, d="2025-02-01"), InScope)


def test_out_names_the_failing_clauses_of_every_filter():
    """Each filter by its title, with the clauses of it that fail and no value of the user's."""
    raw = {
        "groups": [
            {"name": "Sales only", "clauses": [SALES, GERMANY]},
            {"name": "Leads", "clauses": [clause("jobTitle", "Includes", "Lead")]},
        ]
    }
    assert verdict(raw, department="Secret", country="DE", jobTitle=None) == Out(
        '"Sales only": department EQUALS "Sales" fails; "Leads": jobTitle Includes "Lead" fails: the attribute is empty'
    )


def test_in_says_what_let_the_user_through():
    """The clauses that hold, and for a negation what does not."""
    assert verdict({"any": [GERMANY, SALES]}, department="Sales") == InScope('department EQUALS "Sales"')
    assert verdict({"not": SALES}, department="Sales") == Out('not allowed: department EQUALS "Sales"')


UNDECIDED = [
    (ENDLESS, Undecidable),
    ({"not": ENDLESS}, Undecidable),
    ({"all": [ENDLESS, SALES]}, Out),
    ({"all": [ENDLESS, GERMANY]}, Undecidable),
    ({"any": [ENDLESS, SALES]}, Undecidable),
    ({"any": [ENDLESS, GERMANY]}, InScope),
]


@pytest.mark.parametrize(("raw", "expected"), UNDECIDED)
def test_what_cannot_be_evaluated_is_never_out(raw, expected):
    """Unless something else decides: out may delete, so it needs proof."""
    assert isinstance(verdict(raw, s="a" * 60, department="x", country="DE"), expected)


FAULTS = [
    (7, "", "must be a filter"),
    ({"groups": {}}, ".groups", "must be a list"),
    ({"groups": [{"name": "x"}]}, ".groups[0]", "list of clauses"),
    ({"groups": [{"clauses": [SALES, clause("a", "EQUAL TO", "x")]}]}, ".groups[0].clauses[1]", "expected EQUALS"),
    ({"groups": [{"clauses": [clause("a", "sounds like", "x")]}]}, ".groups[0].clauses[0]", "no such operator"),
    ({"any": []}, ".any", "is empty"),
    ({"any": [SALES], "all": [SALES]}, "", "several meanings"),
    ({"any": [SALES], "attribute": "x"}, "", "several meanings"),
    ({"not": [{"attribute": "a"}]}, ".not[0]", "no such operator"),
    ([clause("", "EQUALS", "x")], "[0]", "name of an attribute"),
    ([clause("a", "EQUALS")], "[0]", "needs a value"),
    ([clause("a", "REGEX MATCH", "(")], "[0]", "parenthesis"),
    ([clause("a", "Greater_Than", "ten")], "[0]", "whole number"),
    ([clause("a", "&", "1.5")], "[0]", "whole number"),
    ([clause("a", "BEFORE", "soon")], "[0]", "now+14d"),
    ([clause("a", "EQUALS", None)], "[0]", "texts or numbers"),
    ([{"atribute": "a", "operator": "IS NULL"}], "[0].atribute", "expected attribute"),
]


@pytest.mark.parametrize(("raw", "path", "message"), FAULTS)
def test_a_fault_has_a_path_and_says_what_would_be_right(raw, path, message):
    """Every way in which a filter can be wrong."""
    scope, faults = parse_filter(raw)
    assert scope is None
    assert faults[0].path == path
    assert message in faults[0].message


def test_all_faults_come_at_once():
    """Of several clauses in several places."""
    _, faults = parse_filter({"any": [clause("a", "x"), {"not": clause("b", "EQUALS")}, SALES]})
    assert [fault.path for fault in faults] == [".any[0]", ".any[1].not"]


def test_attributes_can_be_checked_and_are_collected():
    """With the table of attributes a name that does not exist is a fault; all names are known for reading."""
    _, faults = parse_filter([clause("Department", "IS NULL")], known=complaint)
    assert "department" in faults[0].message
    scope, _ = parse_filter({"any": [SALES, {"not": [GERMANY, clause("mail", "IS NULL")]}]}, known=complaint)
    assert scope.attributes == {"department", "country", "mail"}


def test_nesting_without_end_is_a_fault():
    """Not Python's stack."""
    raw = SALES
    for _ in range(200):
        raw = {"not": raw}
    _, faults = parse_filter(raw)
    assert "inside one another" in faults[0].message


clauses = st.sampled_from(
    [clause(name, operator, "1") for name in "ab" for operator in ("EQUALS", "NOT EQUALS", "Greater_Than", "Includes")]
    + [clause(name, operator) for name in "ab" for operator in ("IS NULL", "IS NOT NULL", "IS TRUE")]
)
groups = st.lists(st.lists(clauses, max_size=3), min_size=1, max_size=3)
users = st.dictionaries(st.sampled_from("ab"), st.sampled_from([None, "", "1", "2", 1, 2, True, ["1", "2"]]))


def entra(groups_of_clauses):
    """Entra's shape: filters of clauses."""
    return {"groups": [{"name": "g", "clauses": each} for each in groups_of_clauses]}


@given(groups, st.lists(clauses, max_size=3), users)
def test_a_further_filter_never_puts_anybody_out(some, more, user):
    """Filters are joined by OR."""
    if isinstance(verdict(entra(some), **user), InScope):
        assert isinstance(verdict(entra([*some, more]), **user), InScope)


@given(groups, clauses, users)
def test_a_further_clause_never_lets_anybody_in(some, more, user):
    """Clauses are joined by AND."""
    if isinstance(verdict(entra(some), **user), Out):
        assert isinstance(verdict(entra([[*each, more] for each in some]), **user), Out)


@given(clauses, users)
def test_not_turns_every_verdict_round(one, user):
    """In becomes out and out becomes in."""
    plain, turned = verdict(one, **user), verdict({"not": one}, **user)
    assert {type(plain), type(turned)} == {InScope, Out}
