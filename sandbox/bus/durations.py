"""ISO 8601 durations, as the emulator's configuration writes them: ``PT1M``, ``P1DT12H``, ``PT0.5S``."""

from __future__ import annotations

import re

# .NET's TimeSpan.MaxValue, which Azure's templates write for "without end", is about 10,675,199 days.
_ENDLESS_SECONDS = 10_000_000 * 86_400
_PATTERN = re.compile(
    r"P(?:(?P<days>\d+)D)?(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)


def parse_duration(text: str) -> float:
    """Seconds in a duration; infinity for one that stands for "without end".

    :raises ValueError: the text is no duration of days, hours, minutes and seconds
    """
    found = _PATTERN.fullmatch(text)
    if found is None or not any(found.groups()):
        raise ValueError("is not an ISO 8601 duration of days, hours, minutes and seconds, such as PT1M")
    days, hours, minutes = (int(found[name] or 0) for name in ("days", "hours", "minutes"))
    seconds = days * 86_400 + hours * 3_600 + minutes * 60 + float(found["seconds"] or 0)
    return seconds if seconds < _ENDLESS_SECONDS else float("inf")
