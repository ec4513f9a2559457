"""What a person wants to know of a hold and the link does not say: since when, why, and which objects.

A link's own reason changes when a later look at it fails; the note keeps why the user is held. It is for people
alone: nothing is decided by it but what a release means. A note whose link is held no more says nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from shared.core.guard import UnreadableRowError, read_object

if TYPE_CHECKING:
    from collections.abc import Mapping

DELETION_BUDGET: Final = "deletionBudget"
"""The reason of a removal that was held because too many leave at once."""

SCOPE_GROUP_LOST: Final = "scopeGroupLost"
"""The reason of a removal that was held because the configuration has lost a scoping group."""

REMOVALS: Final = frozenset({DELETION_BUDGET, SCOPE_GROUP_LOST})
"""The kinds of hold in which something waits to be done, and which a release lets go on."""

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class HoldNote:
    """Why one user of one target is held."""

    since: datetime
    reason: str
    objects: tuple[str, ...]  # target users that a person has to look at


def shard(source_id: str) -> str:
    """Which of a target's rows a user's note is in: one of sixteen, since a row holds some thousands."""
    return source_id[0]


SHARDS: Final = tuple("0123456789abcdef")


def encode_notes(notes: Mapping[str, HoldNote]) -> str:
    """Write one row of notes, by source id, down as JSON text."""
    return json.dumps(
        {
            "v": _VERSION,
            "notes": {
                source_id: [note.since.isoformat(), note.reason, *note.objects]
                for source_id, note in sorted(notes.items())
            },
        },
        separators=(",", ":"),
    )


def decode_notes(text: str) -> dict[str, HoldNote]:
    """Read what `encode_notes` wrote.

    Raises:
        UnreadableRowError: it is something else, or a later version's.
    """
    raw = read_object(text, _VERSION).get("notes")
    if not isinstance(raw, dict):
        raise UnreadableRowError("notes must be an object")
    notes = {}
    for source_id, item in raw.items():
        if not isinstance(item, list) or len(item) < 2 or not all(isinstance(part, str) for part in item):  # noqa: PLR2004 - a time and a reason
            raise UnreadableRowError("a note must be a list of texts")
        try:
            since = datetime.fromisoformat(item[0])
        except ValueError as error:
            raise UnreadableRowError("a note must begin with a time") from error
        if since.tzinfo is None:
            raise UnreadableRowError("a note's time must have an offset")
        notes[source_id] = HoldNote(since, item[1], tuple(item[2:]))
    return notes
