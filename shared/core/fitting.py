"""Whether a value fits the attribute that is to hold it, and as what.

Nothing raises for a user's data: a value that does not fit is a `Misfit`, which says why without the value.
What a null does is decided by the mapping, not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from .attributes import PropertyType, UserProperty

if TYPE_CHECKING:
    from .expressions import Value

_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a value cannot be held by a property. Holds no value."""

    reason: str


def fit(held: UserProperty, value: Value) -> Value | Misfit:
    """`value` as the property holds it, or why it cannot. Null fits everywhere; clearing is decided elsewhere."""
    if type(value) is str and 0 < len(value) <= held.plain:  # nearly every value: spare it the rest
        return value
    if value is None or value in ("", []):
        return None
    match held.type:
        case PropertyType.TEXT | PropertyType.REFERENCE | PropertyType.DATE:
            return _fit_text(held, value)
        case PropertyType.BOOLEAN:
            if isinstance(value, bool):
                return value
            spelled = _BOOLEANS.get(value.lower()) if isinstance(value, str) else None
            return Misfit("is neither true nor false") if spelled is None else spelled
        case PropertyType.TEXT_LIST:
            return _fit_list(held, value)
        case _:
            assert_never(held.type)


def _fit_list(held: UserProperty, value: Value) -> Value | Misfit:
    kept: list[Value] = []
    for each in value if isinstance(value, list) else [value]:
        fitted = _fit_text(held, each)
        if isinstance(fitted, Misfit):
            return fitted
        if fitted:
            kept.append(fitted)
    if held.most is not None and len(kept) > held.most:
        return Misfit(f"has {len(kept)} values, at most {held.most} can be held")
    return kept or None


def _fit_text(held: UserProperty, value: Value) -> Value | Misfit:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, list | dict):
        return Misfit("has several values, one can be held; take one with Item or join them with Join")
    text = "" if value is None else str(value)
    if held.longest is not None and len(text) > held.longest:
        return _too_long(held, text)
    if held.choices and text not in held.choices:
        return Misfit(f"is none of {', '.join(sorted(held.choices))}")
    return text


def _too_long(held: UserProperty, text: str) -> Misfit:
    return Misfit(f"is {len(text)} characters long, at most {held.longest} can be held")
