"""When a timer is due: NCRONTAB expressions and time spans, as pure arithmetic on UTC times.

NCRONTAB is stricter than cron and differs where it looks alike: the day of month and the day of week must *both*
match, 7 is no Sunday, and nicknames, L, W, # and ? do not exist. So expressions are checked here, field by
field, before the cron library, which accepts more, is asked for the next date.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from croniter import CroniterBadDateError, croniter

from sandbox.host.timespans import parse_time_span

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART = re.compile(r"(?:(?P<any>\*)|(?P<low>\w+)(?:-(?P<high>\w+))?)(?:/(?P<step>\d+))?")
_PROBE = datetime(2024, 1, 1, tzinfo=UTC)  # the start of a leap year, so that 29 February is found


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def number(self, word: str) -> int:
        if word.isdecimal():
            value = int(word)
        elif word.isalpha() and word[:3].lower() in self.names:
            value = self.names.index(word[:3].lower()) + self.low
        else:
            raise ValueError(f"{word!r} is no {self.name}")
        if not self.low <= value <= self.high:
            raise ValueError(f"{word} is outside {self.low}-{self.high} for {self.name}")
        return value

    def normal(self, text: str) -> str:
        """Return the field in plain figures. Raises ValueError where NCRONTAB would."""
        parts = []
        for part in text.split(","):
            match = _PART.fullmatch(part)
            if match is None:
                raise ValueError(f"{part!r} is no {self.name} field")
            step = match["step"]
            if step is not None and int(step) == 0:
                raise ValueError(f"a step of 0 in the {self.name} field")
            if match["any"]:
                normal = f"{self.low}-{self.high}"
            else:
                low = self.number(match["low"])
                high = self.number(match["high"]) if match["high"] else (self.high if step else low)
                if low > high:
                    raise ValueError(f"{part!r} runs backwards in the {self.name} field")
                normal = f"{low}-{high}" if high > low else str(low)
            parts.append(f"{normal}/{step}" if step is not None and "-" in normal else normal)
        return ",".join(parts)


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 6, _DAYS),
)


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """A schedule by NCRONTAB. `expression` has six fields in plain figures, seconds first."""

    expression: str

    def next_after(self, moment: datetime) -> datetime:
        """Return the first due time strictly after `moment` (aware, UTC)."""
        iterator = croniter(self.expression, moment, second_at_beginning=True, day_or=False)
        due: datetime = iterator.get_next(datetime)
        return due

    def shortest_interval(self, moment: datetime) -> timedelta:
        """Return the time between the next two due times after `moment`."""
        first = self.next_after(moment)
        return self.next_after(first) - first


@dataclass(frozen=True, slots=True)
class ConstantSchedule:
    """A schedule by a time span: due that long after the last time."""

    interval: timedelta

    def next_after(self, moment: datetime) -> datetime:
        """Return `moment` plus the interval."""
        return moment + self.interval

    def shortest_interval(self, moment: datetime) -> timedelta:  # noqa: ARG002  one protocol for both schedules
        """Return the interval."""
        return self.interval


Schedule = CronSchedule | ConstantSchedule


def parse_schedule(text: str) -> Schedule:
    """Read an NCRONTAB expression of six fields (or five, then at second 0), or a time span.

    Raises ValueError, saying which field is wrong, or that no date ever matches.
    """
    words = text.split()
    if len(words) == 1 and ":" in text:
        interval = parse_time_span(text)
        if interval <= timedelta():
            raise ValueError("a time span of zero")
        return ConstantSchedule(interval)
    if len(words) == 5:
        words = ["0", *words]
    if len(words) != 6:
        raise ValueError(f"{text!r} has {len(words)} fields; NCRONTAB has six: second minute hour day month weekday")
    schedule = CronSchedule(" ".join(field.normal(word) for field, word in zip(_FIELDS, words, strict=True)))
    try:
        schedule.next_after(_PROBE)
    except CroniterBadDateError as error:
        raise ValueError(f"{text!r} never falls due") from error
    return schedule
