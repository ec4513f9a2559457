"""Date functions. They answer in `M/d/yyyy h:mm:ss tt`, UTC, and take that or any usual form.

An absent date stays absent. Differences follow Visual Basic's DateDiff, on which all documented
results agree: elapsed units are cut off, months and years are those of the calendar, and weeks are
the Sundays between.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, assert_never

from .date_formats import Moment, Zone, print_moment, tokens
from .date_parsing import parse_exact, styles
from .date_reading import print_date, read_date, read_iso
from .errors import Failure
from .function import Complaint
from .syntax import Node, Omitted, Text
from .values import DateText, Value, as_integer, as_text, required_integer

if TYPE_CHECKING:
    from collections.abc import Callable

    from .environment import Environment, Run
    from .syntax import Call

_FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_TICKS = 10_000_000  # of 100 ns in a second
_SHORT_FORM = 3  # arguments of FormatDateTime without dateTimeStyles
_MONTHS = 12


class Interval(StrEnum):
    """The units that DateAdd and DateDiff count in."""

    YEAR = "yyyy"
    MONTH = "m"
    DAY = "d"
    WEEK = "ww"
    HOUR = "h"
    MINUTE = "n"
    SECOND = "s"


_LENGTH = {
    Interval.DAY: timedelta(days=1),
    Interval.WEEK: timedelta(weeks=1),
    Interval.HOUR: timedelta(hours=1),
    Interval.MINUTE: timedelta(minutes=1),
    Interval.SECOND: timedelta(seconds=1),
}


def c_date(expression: Value) -> Value:
    """CDate(expression)."""
    text = as_text(expression)
    return print_date(read_date(text)) if text else None


def now(environment: Environment) -> Value:
    """Now()."""
    return print_date(environment.surroundings.now.astimezone(UTC))


def date_add(interval: Value, value: Value, date_time: Value) -> Value:
    """DateAdd(interval, value, dateTime); a day that the month lacks becomes its last."""
    unit = _interval(interval)
    number = required_integer(value, "value")
    text = as_text(date_time)
    if not text:
        return None
    at = read_date(text)
    try:
        match unit:
            case Interval.YEAR:
                return print_date(_add_months(at, number * _MONTHS))
            case Interval.MONTH:
                return print_date(_add_months(at, number))
            case Interval.DAY | Interval.WEEK | Interval.HOUR | Interval.MINUTE | Interval.SECOND:
                return print_date(at + number * _LENGTH[unit])
            case _:
                assert_never(unit)
    except (ValueError, OverflowError):
        raise Failure("the result is outside of the years 1 to 9999") from None


def _add_months(at: datetime, number: int) -> datetime:
    year, month = divmod(at.year * _MONTHS + at.month - 1 + number, _MONTHS)
    for day in range(at.day, 27, -1):
        try:
            return at.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return at.replace(year=year, month=month + 1)


def date_diff(interval: Value, first: Value, second: Value) -> Value:
    """DateDiff(interval, date1, date2): how far date2 is after date1; null when one is absent."""
    unit = _interval(interval)
    one, other = as_text(first), as_text(second)
    if not one or not other:
        return None
    start, end = read_date(one), read_date(other)
    match unit:
        case Interval.YEAR:
            return end.year - start.year
        case Interval.MONTH:
            return (end.year - start.year) * _MONTHS + end.month - start.month
        case Interval.WEEK:
            return _week(end) - _week(start)
        case Interval.DAY | Interval.HOUR | Interval.MINUTE | Interval.SECOND:
            elapsed, length = end - start, _LENGTH[unit]
            return elapsed // length if elapsed >= timedelta() else -(-elapsed // length)
        case _:
            assert_never(unit)


def _week(at: datetime) -> int:
    """The number of the week, which starts on Sunday: ordinal 7 is the first Sunday."""
    return at.toordinal() // 7


def _interval(value: Value) -> Interval:
    try:
        return Interval(as_text(value) or "")
    except ValueError:
        raise Failure(f"interval must be one of {', '.join(Interval)}") from None


def check_interval(arguments: tuple[Node, ...]) -> Complaint | None:
    """A constant interval is checked at load."""
    interval = arguments[0]
    if isinstance(interval, Text):
        return _checked(partial(_interval, interval.value), 0)
    return None


def date_from_num(value: Value) -> Value:
    """DateFromNum(value): a FILETIME, units of 100 ns since 1601."""
    ticks = as_integer(value, "value")
    if ticks is None:
        return None
    if ticks < 0:
        raise Failure("value must not be negative")
    try:
        return print_date(_FILETIME_EPOCH + timedelta(microseconds=ticks // 10))
    except OverflowError:
        raise Failure("the result is after the year 9999") from None


def num_from_date(value: Value) -> Value:
    """NumFromDate(value): the FILETIME of an ISO 8601 text, or of what a date function answered."""
    text = as_text(value)
    if not text:
        return None
    at, tick = (read_date(text), 0) if isinstance(value, DateText) else read_iso(text)
    elapsed = at - _FILETIME_EPOCH
    if elapsed < timedelta():
        raise Failure("value is before 1601, the first year of this form")
    return (elapsed.days * 86_400 + elapsed.seconds) * _TICKS + elapsed.microseconds * 10 + tick


def format_date_time(call: Call, arguments: tuple[Run, ...]) -> Run:
    """FormatDateTime(source, dateTimeStyles, inputFormat, outputFormat), or without the styles.

    What a date function answered is taken as the date it is when it does not fit inputFormat, as in
    Microsoft's own examples.
    """
    first = _input_format(call.arguments)
    source, from_, to = arguments[0], arguments[first], arguments[first + 1]
    styled = arguments[1] if first > 1 else None

    def run(environment: Environment) -> Value:
        value = source(environment)
        text = as_text(value)
        style = as_text(styled(environment)) if styled else None
        from_format, to_format = as_text(from_(environment)) or "", as_text(to(environment)) or ""
        if not text:
            return None
        moment = parse_exact(text, from_format, styles(style), environment.surroundings.now)
        if moment is None and isinstance(value, DateText):
            moment = Moment(read_date(value), zone=Zone.UTC)
        if moment is None:
            raise Failure("the source is not in inputFormat")
        return print_moment(moment, to_format)

    return run


def _input_format(arguments: tuple[Node, ...]) -> int:
    """The index of inputFormat: the styles are left out when three arguments are given."""
    given = len(arguments) - isinstance(arguments[-1], Omitted)
    return 1 if given == _SHORT_FORM else 2


def check_format_date_time(arguments: tuple[Node, ...]) -> Complaint | None:
    """The number of arguments, and constant formats, are checked at load."""
    first = _input_format(arguments)
    for index in (first, first + 1):
        node = arguments[index] if index < len(arguments) else None
        if node is None or isinstance(node, Omitted):
            return Complaint("inputFormat and outputFormat are needed", index)
        if isinstance(node, Text) and (found := _checked(partial(tokens, node.value), index)):
            return found
    return None


def _checked(action: Callable[[], object], argument: int) -> Complaint | None:
    try:
        action()
    except Failure as failure:
        return Complaint(failure.message, argument)
    return None
