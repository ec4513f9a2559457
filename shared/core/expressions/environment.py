"""What an expression is evaluated in: the user, and everything that is not the user.

The clock and the randomness are here because nothing below may look for them itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from random import Random

    from .values import Value

Run: TypeAlias = "Callable[[Environment], Value]"
"""A compiled node."""


class Compat(Enum):
    """Whose behaviour is wanted where Entra is documented to fall short of its own language."""

    FIXED = "fixed"  # conditions on empty attributes are decided as they read
    ENTRA = "entra"  # IIF whose condition reads an empty attribute takes its false branch


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Given to every evaluation; `now` is aware."""

    now: datetime
    random: Random
    compat: Compat = Compat.FIXED
    default_domain: str | None = None  # of the target tenant, for DefaultDomain()


class Environment:
    """One user in given surroundings; made once per user and shared by all of the user's mappings."""

    __slots__ = ("attributes", "surroundings")

    def __init__(self, attributes: Mapping[str, Value], surroundings: Surroundings) -> None:
        self.attributes = attributes
        self.surroundings = surroundings
