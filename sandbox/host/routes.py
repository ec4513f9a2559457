"""Route templates of HTTP triggers: parsed once, matched per request, pure.

The subset of ASP.NET's templates that Functions documents: literals, {name}, {name?}, {name=default}, the
catch-all {*name}, and type constraints. What is not understood is refused, never treated as a literal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from urllib.parse import unquote

_CONSTRAINTS = {
    "int": re.compile(r"[+-]?\d{1,10}"),
    "long": re.compile(r"[+-]?\d{1,19}"),
    "bool": re.compile(r"true|false", re.IGNORECASE),
    "alpha": re.compile(r"[A-Za-z]*"),
    "decimal": re.compile(r"[+-]?\d+(\.\d+)?"),
    "guid": re.compile(r"\{?[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\}?", re.IGNORECASE),
}
_PARAMETER = re.compile(
    r"\{(?P<all>\*)?(?P<name>[A-Za-z_]\w*)(?P<constraints>(?::\w+)*)(?:=(?P<default>[^{}?]*))?(?P<optional>\?)?\}"
)
_RESERVED = ("admin", "runtime")


class _Rank(IntEnum):
    """What is tried first where several templates match: the more precise one."""

    LITERAL = 0
    CONSTRAINED = 1
    PARAMETER = 2
    CATCH_ALL = 3


@dataclass(frozen=True, slots=True)
class _Segment:
    rank: _Rank
    text: str  # the literal in lower case, or the parameter's name
    constraints: tuple[str, ...] = ()
    default: str | None = None
    optional: bool = False

    def accepts(self, value: str) -> bool:
        return all(_CONSTRAINTS[constraint].fullmatch(value) for constraint in self.constraints)


@dataclass(frozen=True, slots=True)
class RouteTemplate:
    """One parsed template. `text` is as written, without surrounding slashes."""

    text: str
    segments: tuple[_Segment, ...]

    @property
    def precedence(self) -> tuple[int, ...]:
        """Sort key: templates that sort first are tried first."""
        return tuple(segment.rank for segment in self.segments)

    @property
    def parameters(self) -> frozenset[str]:
        """The names of the template's parameters."""
        return frozenset(segment.text for segment in self.segments if segment.rank is not _Rank.LITERAL)

    def match(self, path: str) -> dict[str, str] | None:
        """Match a raw (still percent-encoded) path without its leading slash.

        Returns the route's values by parameter name, optional ones only if present, or None.
        """
        rest = [unquote(part) for part in path.strip("/").split("/")] if path.strip("/") else []
        values: dict[str, str] = {}
        for segment in self.segments:
            if segment.rank is _Rank.CATCH_ALL:
                values[segment.text] = "/".join(rest)
                return values
            if not rest:
                if segment.default is not None:
                    values[segment.text] = segment.default
                elif not segment.optional:
                    return None
                continue
            value = rest.pop(0)
            if segment.rank is _Rank.LITERAL:
                if value.lower() != segment.text:
                    return None
            elif segment.accepts(value):
                values[segment.text] = value
            else:
                return None
        return None if rest else values


def parse_route(text: str) -> RouteTemplate:
    """Parse a template.

    Raises ValueError for what the host refuses (reserved routes) and for what this host cannot match.
    """
    plain = text.strip("/")
    if plain.lower().startswith(_RESERVED):
        raise ValueError("conflicts with one or more built in routes (admin, runtime)")
    segments = tuple(_segment(part) for part in plain.split("/")) if plain else ()
    names = [segment.text for segment in segments if segment.rank is not _Rank.LITERAL]
    if len(set(names)) < len(names):
        raise ValueError(f"{plain!r} names a parameter twice")
    for earlier, later in pairwise(segments):
        if earlier.rank is _Rank.CATCH_ALL:
            raise ValueError(f"{plain!r} goes on after its catch-all")
        if (earlier.optional or earlier.default is not None) and not (later.optional or later.default is not None):
            raise ValueError(f"{plain!r} has a required segment after an optional one")
    return RouteTemplate(plain, segments)


def _segment(part: str) -> _Segment:
    if "{" not in part and "}" not in part:
        return _Segment(_Rank.LITERAL, unquote(part).lower())
    match = _PARAMETER.fullmatch(part)
    if match is None:
        raise ValueError(f"{part!r} is not a whole literal or a whole {{parameter}}")
    constraints = tuple(word for word in match["constraints"].split(":") if word)
    unknown = [word for word in constraints if word not in _CONSTRAINTS]
    if unknown:
        raise ValueError(f"{part!r} uses the constraint {unknown[0]!r}; known here are {', '.join(_CONSTRAINTS)}")
    if match["all"]:
        return _Segment(_Rank.CATCH_ALL, match["name"])
    rank = _Rank.CONSTRAINED if constraints else _Rank.PARAMETER
    return _Segment(rank, match["name"], constraints, match["default"], match["optional"] is not None)
