"""The filters a rule can hold, and the rule itself.

A filter never guesses: what it cannot evaluate does not match, and what it does not support is refused when the
configuration is read, never taken for "everything".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sandbox.bus.rules.view import MessageView


class Filter(Protocol):
    """Decides whether a message belongs to a subscription."""

    def matches(self, view: MessageView) -> bool:
        """Whether it does."""


@dataclass(frozen=True, slots=True)
class TrueFilter:
    """Matches every message."""

    def matches(self, _view: MessageView) -> bool:
        """Always."""
        return True


@dataclass(frozen=True, slots=True)
class FalseFilter:
    """Matches no message."""

    def matches(self, _view: MessageView) -> bool:
        """Never."""
        return False


@dataclass(frozen=True, slots=True)
class CorrelationFilter:
    """Matches where every named property equals its value, case-sensitively.

    ``system`` holds lower-case names of ``view.SYSTEM_PROPERTIES``, ``user`` the sender's own names.
    """

    system: tuple[tuple[str, str], ...] = ()
    user: tuple[tuple[str, Any], ...] = ()

    def matches(self, view: MessageView) -> bool:
        """Whether all of them are equal."""
        return all(same(view.system(name), value) for name, value in self.system) and all(
            same(view.user_exactly(name), value) for name, value in self.user
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """A named filter."""

    name: str
    filter: Filter


MATCH_ALL = Rule("$Default", TrueFilter())


def same(actual: Any, wanted: Any) -> bool:
    """Equality as the service sees it: text with text, number with number, truth with truth."""
    if isinstance(actual, bool) or isinstance(wanted, bool):
        return isinstance(actual, bool) and isinstance(wanted, bool) and actual == wanted
    if isinstance(actual, str) and isinstance(wanted, str):
        return str(actual) == str(wanted)
    if isinstance(actual, int | float) and isinstance(wanted, int | float):
        return actual == wanted
    return False
