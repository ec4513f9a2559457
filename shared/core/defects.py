"""What a log may tell of a defect: where it happened and of what kind it was, and nothing that it was about.

The text of an exception often repeats the value that it met (`KeyError: 'Patti Fernandez'`), and so may a line of
source that is shown beside it. Types, modules, functions and lines are ours, and enough to find the place.
"""

from __future__ import annotations

import traceback
from typing import Final

_MOST: Final = 20
"""Frames, and exceptions in a chain or a group, that are told: enough for us, and an end to recursion."""


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
