"""A defect is told by types and places, whatever its exceptions say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.defects import outline

SECRET = "Patti Fernandez"


def raising(error, before=None):
    if before is not None:
        try:
            raising(before)
        finally:
            raise error
    raise error


def failing(error, before=None):
    """The exception, raised, after another or not."""
    with pytest.raises(type(error)) as raised:
        raising(error, before)
    return raised.value


@given(st.sampled_from([KeyError, ValueError, RuntimeError, OSError]), st.text())
def test_what_an_exception_says_is_left_out(kind, text):
    """Its type, module, line and function are not."""
    told = outline(failing(kind(f"<{text}>")))
    assert f"<{text}>" not in told
    assert told.startswith(f"{kind.__name__} at test_defects:")
    assert " raising < test_defects:" in told


@pytest.mark.parametrize(
    ("error", "kinds"),
    [
        (failing(ValueError(SECRET), KeyError(SECRET)), ["ValueError at", "after KeyError at"]),
        (
            ExceptionGroup(SECRET, [KeyError(SECRET), OSError(SECRET)]),
            ["ExceptionGroup", "with KeyError", "with OSError"],
        ),
        (UnicodeEncodeError("ascii", SECRET, 0, 1, SECRET), ["UnicodeEncodeError"]),
    ],
    ids=["a chain", "a group", "values as fields"],
)
def test_of_those_behind_it_the_same_is_told(error, kinds):
    """In their order."""
    told = outline(error)
    assert [part.startswith(kind) for part, kind in zip(told.split("; "), kinds, strict=True)] == [True] * len(kinds)
    assert SECRET not in told


def test_a_chain_that_its_author_cut_is_not_followed():
    """`from None`."""
    error = failing(ValueError(), KeyError())
    error.__suppress_context__ = True
    assert "KeyError" not in outline(error)


def test_a_recursion_and_a_ring_have_an_end():
    """A line of log stays one."""

    def deeper():
        deeper()

    with pytest.raises(RecursionError) as raised:
        deeper()
    assert len(outline(raised.value)) < 3000
    one, other = ValueError(), KeyError()
    one.__context__, other.__context__ = other, one
    assert outline(one) == "ValueError; after KeyError"
