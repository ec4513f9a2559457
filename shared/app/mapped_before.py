"""What the rules of a target made of people in earlier full cycles, so that who has not changed is not mapped again.

Mapping people is the dearest part of a full cycle with nothing to do. What it comes to depends on nothing but the
record that was read, the rules, and our own code, so a digest of the record is kept for each person beside the
fingerprint that was made of it. It is a memory and no more: rows that are lost, or of other rules or other code, only
mean that people are mapped as if there were none.

    state row   mapped:<target>:<first two digits of the source ids>
                {"by": digest of the rules and the code, "people": {source id: digest of the record and fingerprint}}
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from shared.app.state_rows import StateRowError, change_row
from shared.core.desired import Desired, InScope
from shared.core.fingerprints import Names, names_in, names_of
from shared.core.mapping_rules import Apply

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shared.config.sync_file import Target
    from shared.core.model import Link
    from shared.store.protocol import Store

_BUCKETS: Final = tuple([f"{number:02x}" for number in range(256)])
"""So many that the people of a large tenant fit into rows, so few that they are read in a moment."""

_AT_ONCE: Final = 16  # rows read or written side by side
_DIGITS: Final = 16  # of each of the two digests


@dataclass(slots=True)
class MappedBefore:
    """The memory of one target, for one cycle."""

    target: Target
    by: str  # rules and code
    names: Names  # what the rules want of everybody of whom something is remembered
    _buckets: tuple[str, ...]
    _made: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    async def load(cls, store: Store, target: Target, links: Mapping[str, Link]) -> MappedBefore:
        """Read what is remembered of the people who have links.

        Raises:
            StoreError: it could not be read.
        """
        written = [mapping.written.name for mapping in target.mappings if mapping.apply is Apply.ALWAYS]
        names = names_of([name for name in written if name != "manager"])
        buckets = () if _follows_time(target) else _BUCKETS
        memory = cls(target, f"{target.rules} {_code()}", names, buckets)
        for some in _side_by_side(buckets):
            for row in await asyncio.gather(*[store.get_state(_row(target, bucket)) for bucket in some]):
                people = _people(row.value, memory.by) if row is not None else {}
                # One text for an id is enough, a hundred thousand times.
                memory._made |= {links[each].source_id: made for each, made in people.items() if each in links}
        return memory

    def made(self, user_id: str, record: str, applied: str | None) -> bool:
        """Whether the rules have made of this record what was applied to the target user."""
        return applied is not None and self._made.get(user_id) == _both(record, applied)

    def learn(self, user_id: str, record: str, desired: Desired) -> None:
        """Remember what the rules make of a record, where they want the same attributes as of everybody."""
        if isinstance(desired, InScope) and names_in(desired.attributes) == self.names:
            self._made[user_id] = _both(record, desired.fingerprint)
        else:
            self._made.pop(user_id, None)

    async def save(self, store: Store) -> None:
        """Write down what was learned; a row that is as it was is left.

        Raises:
            StoreError: it could not be written.
        """
        people: dict[str, dict[str, str]] = defaultdict(dict)
        for user_id, made in sorted(self._made.items()):
            people[user_id[:2]][user_id] = made
        for some in _side_by_side(self._buckets):
            await asyncio.gather(*[self._put(store, bucket, people[bucket]) for bucket in some])

    async def _put(self, store: Store, bucket: str, people: Mapping[str, str]) -> None:
        text = json.dumps({"by": self.by, "people": people}, separators=(",", ":")) if people else ""
        try:
            await change_row(store, _row(self.target, bucket), _as_it_is, str, lambda _: (text, None))
        except StateRowError:
            return  # too long, or contended: these people will be mapped


def _side_by_side(buckets: Sequence[str]) -> Iterator[Sequence[str]]:
    return (buckets[start : start + _AT_ONCE] for start in range(0, len(buckets), _AT_ONCE))


def _row(target: Target, bucket: str) -> str:
    return f"mapped:{target.name}:{bucket}"


def _people(text: str, by: str) -> Mapping[str, str]:
    try:
        row = json.loads(text)
        return dict(row["people"]) if row["by"] == by else {}
    except (ValueError, KeyError, TypeError):
        return {}


def _both(record: str, made: str) -> str:
    return record[:_DIGITS] + made[:_DIGITS]


@cache
def _code() -> str:
    """A digest of the app's code, all of it: what has a part in mapping is nobody's to keep in mind."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(Path(__file__).parent.parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:_DIGITS]


def _as_it_is(text: str | None) -> str:
    return text or ""


def _follows_time(target: Target) -> bool:
    """Whether what the rules want of somebody may change though nothing about them does."""
    filters = (target.scope.filter, target.scope.input_filter)
    return any(mapping.expression.follows_time for mapping in target.mappings) or any(
        each.follows_time for each in filters if each is not None
    )
