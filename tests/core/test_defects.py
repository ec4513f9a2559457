"""A defect is told by types and places, whatever its exceptions say."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.errors import BusUnavailableError
from shared.core.defects import DefectError, outline, telling_no_values
from shared.store.errors import StoreUnavailable

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


@telling_no_values
async def called(error):
    """What the host calls."""
    if error is not None:
        raise error
    return "done"


@pytest.mark.parametrize("error", [KeyError(SECRET), ValueError(SECRET), ExceptionGroup(SECRET, [OSError(SECRET)])])
def test_the_host_is_not_given_what_a_defect_says(error):
    """It logs the text of whatever escapes."""
    with pytest.raises(DefectError, match=rf"^{type(error).__name__} at test_defects:\d+ called") as raised:
        asyncio.run(called(error))
    assert SECRET not in str(raised.value)
    assert raised.value.__suppress_context__


@pytest.mark.parametrize("error", [StoreUnavailable("read", "busy"), BusUnavailableError("no connection")])
def test_the_host_is_given_what_an_operator_should_read(error):
    """As it is."""
    with pytest.raises(type(error)) as raised:
        asyncio.run(called(error))
    assert raised.value is error


def test_a_function_without_a_defect_is_what_it_was():
    """Its answer, name and parameters are its own."""
    assert asyncio.run(called(None)) == "done"
    assert (called.__name__, called.__doc__) == ("called", "What the host calls.")
