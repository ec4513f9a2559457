"""Fingerprints: short digests of what a user holds under some names, the same on either side and on every machine.

What the rules want of a target user and what that user shows are both Graph's JSON, so one function serves them: equal
fingerprints mean that there is nothing to write. Nothing, an empty text and an empty list are one, since Graph does not
tell them apart. A record is another digest, of all that was read of somebody, and minds every difference.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_LENGTH: Final = 32  # hexadecimal digits
_SETS_OF_NAMES: Final = 512  # kept: nearly everybody has one of a few

_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Names:
    """Graph properties that have part in a fingerprint, and of complex ones which parts, in one order for all."""

    whole: tuple[str, ...]
    parts: tuple[tuple[str, str], ...] = ()
    prefix: bytes = b""  # so that fingerprints under other names differ


def names_in(attributes: Mapping[str, Any], *, without: Collection[str] = ()) -> Names:
    """All properties that a user of Graph's JSON has, but those in `without`; of complex ones the parts they have."""
    names = [name for name in attributes if name not in without] if without else list(attributes)
    parts = [(name, part) for name in names if type(attributes[name]) is dict for part in attributes[name]]
    if parts:
        names = [name for name in names if type(attributes[name]) is not dict]
    return _names(tuple(names), tuple(parts))


def names_of(canonical: Iterable[str]) -> Names:
    """The properties of these canonical names: `employeeOrgData.division` is a part."""
    split = [name.partition(".") for name in canonical]
    whole = [outer for outer, _, inner in split if not inner]
    return _names(tuple(whole), tuple([(outer, inner) for outer, _, inner in split if inner]))


def fingerprint(user: Mapping[str, Any], names: Names) -> str:
    """32 hexadecimal digits that are the same exactly for the same values under the same names."""
    # Nearly every value is a text, and spared the rest.
    values = [value if type(value := user.get(name)) is str and value else _plain(value) for name in names.whole]
    for name, part in names.parts:
        outer = user.get(name)
        values.append(_plain(outer.get(part)) if isinstance(outer, dict) else None)
    return hashlib.sha256(names.prefix + _encode(values).encode()).hexdigest()[:_LENGTH]


def record(user: Mapping[str, Any]) -> str:
    """32 hexadecimal digits of all that was read of a user, as it was read: for this version of Python alone."""
    return hashlib.sha256(repr(user).encode("utf-8", "surrogatepass")).hexdigest()[:_LENGTH]


@lru_cache(_SETS_OF_NAMES)
def _names(whole: tuple[str, ...], parts: tuple[tuple[str, str], ...]) -> Names:
    in_order, parts_in_order = tuple(sorted(whole)), tuple(sorted(parts))
    return Names(in_order, parts_in_order, _encode([in_order, parts_in_order]).encode())


def _plain(value: object) -> object:
    return None if value in ("", []) else value
