"""Numbers as a workbook writes them: units that grow with the value, digits and grouping as the author asked.

The ids of units are those that workbook files carry.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sandbox.monitor.workbook.document import Json, mapping

if TYPE_CHECKING:
    from collections.abc import Sequence

_DIGITS: Final = 3  # behind the point, where the author asks for nothing


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit and the larger ones that it grows into: the factor of each to the one before, and its name."""

    steps: tuple[tuple[float, str], ...]

    def scale(self, value: float) -> tuple[float, str]:
        """The divisor and the name of the largest step that leaves the value at one or more."""
        divisor, name = 1.0, self.steps[0][1]
        total = 1.0
        for factor, step_name in self.steps[1:]:
            total *= factor
            if abs(value) < total:
                break
            divisor, name = total, step_name
        return divisor, name


_BINARY: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_DECIMAL: Final = ("B", "kB", "MB", "GB", "TB", "PB")
_TIME: Final = ((1.0, "ns"), (1000.0, "µs"), (1000.0, "ms"), (1000.0, "s"), (60.0, "min"), (60.0, "h"), (24.0, "d"))


def _ladder(names: Sequence[str], factor: float, first: int, suffix: str = "") -> Unit:
    return Unit(tuple((factor, name + suffix) for name in names[first:]))


_UNITS: Final[dict[int, Unit]] = {
    1: Unit(((1.0, "%"),)),
    **{2 + step: _ladder(_BINARY, 1024.0, step) for step in range(5)},
    **{11 + step: _ladder(_BINARY, 1024.0, step, "/s") for step in range(4)},
    17: Unit(((1.0, ""), (1000.0, "K"), (1000.0, "M"), (1000.0, "B"))),
    **{21 + step: Unit(_TIME[step:]) for step in range(7)},
    31: Unit(((1.0, "/s"), (1000.0, "K/s"), (1000.0, "M/s"))),
    **{36 + step: _ladder(_DECIMAL, 1000.0, step) for step in range(5)},
    **{45 + step: _ladder(_DECIMAL, 1000.0, step, "/s") for step in range(4)},
}
_PLAIN: Final = Unit(((1.0, ""),))


def unit_of(number_format: object) -> Unit:
    """The unit of a number format; none where none is given or it is not known."""
    found = mapping(number_format).get("unit")
    return _UNITS.get(found, _PLAIN) if isinstance(found, int) else _PLAIN


def parts(value: float, number_format: object) -> tuple[str, str]:
    """A number as digits and unit, such as ("1.234", "s")."""
    settings = mapping(mapping(number_format).get("options"))
    if not math.isfinite(value):
        return ("∞" if value > 0 else "-∞" if value < 0 else "NaN"), ""
    divisor, name = unit_of(number_format).scale(value)
    scaled = value / divisor
    if settings.get("style") == "percent":
        scaled, name = scaled * 100, "%"
    digits = _written(scaled, settings)
    if settings.get("style") == "currency":
        return f"{str(settings.get('currency') or '').upper()} {digits}".strip(), name
    return digits, name


def written(value: float, number_format: object) -> str:
    """A number with its unit."""
    digits, name = parts(value, number_format)
    return f"{digits}{name}"


def as_number(value: Any) -> float | None:
    """The value as a number, where it is one or the text of one."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return None


def _written(value: float, settings: Json) -> str:
    significant = settings.get("maximumSignificantDigits")
    least_significant = settings.get("minimumSignificantDigits")
    if isinstance(significant, int) and significant > 0 and value:
        places = significant - 1 - math.floor(math.log10(abs(value)))
        value = round(value, places)
        most = max(places, 0)
    else:
        most = _digits(settings, "maximumFractionDigits", max(_DIGITS, _digits(settings, "minimumFractionDigits", 0)))
    least = _digits(settings, "minimumFractionDigits", 0)
    if isinstance(least_significant, int) and value:
        least = max(least, least_significant - 1 - math.floor(math.log10(abs(value))))
    text = f"{abs(value):.{max(most, least)}f}"
    whole, _, fraction = text.partition(".")
    fraction = fraction[:least] + fraction[least:].rstrip("0")
    whole = whole.zfill(_digits(settings, "minimumIntegerDigits", 1))
    if settings.get("useGrouping") is True:
        whole = f"{int(whole):,}"
    sign = "-" if value < 0 and (whole.strip("0,") or fraction.strip("0")) else ""
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def _digits(settings: Json, name: str, otherwise: int) -> int:
    value = settings.get(name)
    return min(value, 20) if isinstance(value, int) and value >= 0 else otherwise
