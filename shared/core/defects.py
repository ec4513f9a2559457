"""What a log may tell of a defect: where it happened and of what kind it was, and nothing that it was about.

The text of an exception often repeats the value that it met (`KeyError: 'Patti Fernandez'`), and so may a line of
source that is shown beside it. Types, modules, functions and lines are ours, and enough to find the place.
"""

from __future__ import annotations

import traceback
from functools import wraps
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

_OPERATIONAL: Final = ("shared.app.", "shared.bus.", "shared.config.", "shared.store.")
"""Where errors are declared that an operator should read: they carry facts, and never anything personal."""

_MOST: Final = 20
"""Frames, and exceptions in a chain or a group, that are told: enough for us, and an end to recursion."""


class DefectError(Exception):
    """A defect of the app, told as `outline` does."""


def telling_no_values(function: Callable[_Parameters, Awaitable[_Result]]) -> Callable[_Parameters, Awaitable[_Result]]:
    """For the functions that the Functions host calls: it logs whatever text an exception has that they raise.

    The one that escapes says of a defect what `outline` does; errors that an operator should read pass as they are.
    """

    @wraps(function)
    async def guarded(*args: _Parameters.args, **named: _Parameters.kwargs) -> _Result:
        try:
            return await function(*args, **named)
        except Exception as error:
            if type(error).__module__.startswith(_OPERATIONAL):
                raise
            raise DefectError(outline(error)) from None

    return guarded


def outline(error: BaseException) -> str:
    """One line: the type of an exception with its frames, innermost first, then those that it came from or holds."""
    return "; ".join(_parts(error)[:_MOST])


def _parts(error: BaseException) -> list[str]:
    parts: list[str] = []
    waiting, seen = [("", error)], set[int]()
    while waiting:
        how, each = waiting.pop(0)
        if id(each) in seen or len(seen) >= _MOST:
            continue
        seen.add(id(each))
        parts.append(f"{how}{type(each).__qualname__}{_places(each)}")
        before = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
        if before is not None:
            waiting.append(("after ", before))
        if isinstance(each, BaseExceptionGroup):
            waiting += [("with ", inner) for inner in each.exceptions]
    return parts


def _places(error: BaseException) -> str:
    frames = [
        f"{frame.f_globals.get('__name__', '?')}:{line} {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    told = frames[: -_MOST - 1 : -1]
    return f" at {' < '.join(told)}" if told else ""
