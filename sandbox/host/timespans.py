"""Reads .NET time spans, the form in which host.json and timer schedules give durations."""

from __future__ import annotations

import re
from datetime import timedelta

_TIME_SPAN = re.compile(
    r"(?:(?P<days>\d{1,8})\.)?(?P<first>\d{1,8}):(?P<second>\d{1,2}):(?P<third>\d{1,2})(?:\.(?P<ticks>\d{1,7}))?"
)


def parse_time_span(text: str) -> timedelta:
    """Read `[d.]hh:mm:ss[.fffffff]`.

    Where the first figure of three is 24 or more, .NET reads days, hours and minutes: "24:00:00" is 24 days.
    Raises ValueError for anything else.
    """
    match = _TIME_SPAN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a time span such as 00:05:00")
    first, second, third = int(match["first"]), int(match["second"]), int(match["third"])
    fraction = timedelta(microseconds=int((match["ticks"] or "0").ljust(7, "0")) // 10)
    if first > 23 and match["days"] is None:
        if second > 23 or third > 59:
            raise ValueError(f"{text!r} is out of range for days, hours and minutes")
        return timedelta(days=first, hours=second, minutes=third) + fraction
    if first > 23 or second > 59 or third > 59:
        raise ValueError(f"{text!r} is out of range for hours, minutes and seconds")
    return timedelta(days=int(match["days"] or 0), hours=first, minutes=second, seconds=third) + fraction
