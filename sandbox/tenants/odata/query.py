"""The query options of one request, read once and checked for what Graph refuses everywhere.

It says what the caller asked for; whether a resource supports it is the resource's affair.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote

if TYPE_CHECKING:
    from collections.abc import Mapping

_KNOWN = frozenset(
    {"$select", "$filter", "$top", "$count", "$expand", "$orderby", "$search", "$skiptoken", "$deltatoken"}
    | {"$skip", "$format"}
)
_EXPAND = re.compile(r"\s*([A-Za-z]+)\s*(?:\(([^()]*)\))?\s*\Z")


class QueryError(ValueError):
    """An option that cannot be read."""


@dataclass(frozen=True, slots=True)
class Query:
    """The options by name, as the caller wrote them, decoded; names are lower case."""

    options: Mapping[str, str]

    @classmethod
    def read(cls, raw: str) -> Query:
        """Parse a raw query string; QueryError for an option twice, or one that OData does not know."""
        options: dict[str, str] = {}
        # A "+" in a Graph query is a plus sign in links and a space from form encoders; both write %2B for plus.
        for name, value in parse_qsl(raw, keep_blank_values=True):
            folded = name.lower()
            if folded.startswith("$") and folded not in _KNOWN:
                raise QueryError(f"The query parameter '{name}' is not supported.")
            if folded in options:
                raise QueryError(f"Query option '{name}' was specified more than once, but it must be once.")
            options[folded] = value
        return cls(options)

    def get(self, name: str) -> str | None:
        """The option's text, or None."""
        return self.options.get(name)

    @property
    def select(self) -> tuple[str, ...] | None:
        """Names in `$select`, or None where it is missing or empty."""
        text = self.options.get("$select")
        chosen = tuple(part.strip() for part in text.split(",") if part.strip()) if text else ()
        return chosen or None

    @property
    def count(self) -> bool:
        """Whether `$count=true`."""
        return self.options.get("$count", "").lower() == "true"

    def top(self, default: int, most: int) -> int:
        """The page size; QueryError outside 1 to `most`."""
        text = self.options.get("$top")
        if text is None:
            return default
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise QueryError(f"Invalid page size specified: '{text}'. Must be between 1 and {most} inclusive.")
        return int(text)

    @property
    def expand(self) -> tuple[str, tuple[str, ...] | None] | None:
        """The one expanded relation with its inner `$select`, or None; QueryError for more than one."""
        text = self.options.get("$expand")
        if text is None:
            return None
        found = _EXPAND.match(text)
        if found is None:
            raise QueryError("Only one simple relation can be expanded.")
        inner: tuple[str, ...] | None = None
        for part in (found[2] or "").split(";"):
            name, equals, value = part.partition("=")
            if name.strip().lower() == "$select" and equals:
                inner = tuple(item.strip() for item in value.split(","))
            elif name.strip() and name.strip().lower() != "$levels":
                raise QueryError(f"The option '{name.strip()}' is not supported in $expand.")
        return found[1], inner

    def link(self, address: str, token_name: str, token: str) -> str:
        """An absolute link that repeats these options and carries on at a token."""
        kept = [(n, v) for n, v in self.options.items() if n not in {"$skiptoken", "$deltatoken"}]
        kept.append((token_name, token))
        return address + "?" + "&".join(f"{n}={quote(v, safe='/,()$:=')}" for n, v in kept)
