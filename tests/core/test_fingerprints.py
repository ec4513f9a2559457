"""Fingerprints: equal exactly for the same values under the same names, whoever holds them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.fingerprints import fingerprint, names_in, names_of, record

VALUES = st.none() | st.booleans() | st.text(max_size=5) | st.lists(st.text(max_size=5), max_size=2)
USERS = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), VALUES, max_size=6)


def of(user, **options):
    """The fingerprint of everything that a user holds."""
    return fingerprint(user, names_in(user, **options))


@given(USERS, st.randoms())
def test_order_is_of_no_importance(user, random):
    """The same attributes in any order have one fingerprint of 32 hexadecimal digits."""
    shuffled = list(user.items())
    random.shuffle(shuffled)
    assert of(user) == of(dict(shuffled))
    assert len(of(user)) == 32


@given(USERS, USERS)
def test_what_a_target_shows_beside_the_wanted_is_of_no_importance(wanted, more):
    """A target user who holds what is wanted has its fingerprint, whatever else it holds."""
    assert fingerprint(more | wanted, names_in(wanted)) == of(wanted)


@given(USERS, st.data())
def test_every_change_shows(user, data):
    """One value that differs is enough; nothing, an empty text and an empty list do not differ."""
    name = data.draw(st.sampled_from(sorted(user))) if user else "a"
    changed = {**user, name: data.draw(VALUES)}
    same = (user.get(name) or None, isinstance(user.get(name), bool)) == (
        changed[name] or None,
        isinstance(changed[name], bool),
    )
    assert (fingerprint(changed, names_in(user | {name: None})) == of({**user, name: user.get(name)})) == same


@pytest.mark.parametrize("nothing", [None, "", []])
def test_nothing_has_one_fingerprint(nothing):
    """Graph shows an empty list or text where nothing is set, and absence where nothing ever was."""
    names = names_of(["a", "b"])
    assert fingerprint({"a": nothing, "b": "x"}, names) == fingerprint({"b": "x"}, names)


def test_kinds_differ():
    """Absent, null, text, list, flag, number, and a part of something complex are all different things."""
    different = [
        {},
        {"a": None},
        {"a": "x"},
        {"a": ["x"]},
        {"a": "true"},
        {"a": True},
        {"a": False},
        {"a": 1},
        {"a": 0},
        {"a": {"part": "x"}},
        {"a": {"other": "x"}},
        {"b": None},
    ]
    assert len({of(each) for each in different}) == len(different)


def test_parts_of_complex_properties_are_compared_alone():
    """A part that nobody wants is the target's own; a complex property that is not there has no parts."""
    names = names_of(["employeeOrgData.division", "city"])
    assert names == names_in({"city": "x", "employeeOrgData": {"division": "y"}})
    held = {"city": "x", "employeeOrgData": {"division": "y", "costCenter": "z"}}
    assert fingerprint(held, names) == of({"city": "x", "employeeOrgData": {"division": "y"}})
    assert fingerprint({"city": "x", "employeeOrgData": None}, names) == fingerprint({"city": "x"}, names)


@given(USERS, VALUES)
def test_what_is_left_to_the_target_has_no_part(user, value):
    """Names in `without` are as if they were not there."""
    assert of({**user, "a": value}, without={"a"}) == of({**user, "a": "else"}, without={"a"})


@given(USERS, USERS)
def test_a_record_is_the_whole_of_what_was_read(one, other):
    """Records differ as soon as anything does, even in ways that no rule minds."""
    assert (record(one) == record(other)) == (list(one.items()) == list(other.items()))


def test_a_record_holds_any_text():
    """Half of a surrogate pair, as JSON may escape it, is no reason to fail."""
    assert record({"a": "\ud800"}) != record({"a": "\udfff"})
    assert fingerprint({"a": "\ud800"}, names_of(["a"])) != fingerprint({"a": "\udfff"}, names_of(["a"]))
