"""A subscription's rule from the configuration: SQL or correlation filter. Actions are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.bus.rules.filters import CorrelationFilter, FalseFilter, Filter, TrueFilter
from sandbox.bus.rules.sql_parser import parse_sql_filter
from sandbox.bus.rules.sql_tokens import SqlError

if TYPE_CHECKING:
    from sandbox.bus.config_fields import Fields

_CORRELATION_FIELDS = (
    "ContentType",
    "CorrelationId",
    "Label",
    "MessageId",
    "ReplyTo",
    "ReplyToSessionId",
    "SessionId",
    "To",
)


def read_rule(fields: Fields) -> Filter:
    """The filter of a rule; faults are noted in ``fields``, and the filter then matches nothing."""
    properties = fields.fields("Properties")
    kind = properties.text("FilterType", required=True)
    if properties.get("Action") is not None:
        properties.fault("Action", "rule actions are not supported by this emulator")
    chosen: Filter = FalseFilter()
    match (kind or "").lower():
        case "":
            # ``text`` has noted that it is missing; its siblings are not to be called unknown on top.
            properties.ignore("SqlFilter")
            properties.ignore("CorrelationFilter")
        case "sql":
            chosen = _sql_filter(properties)
        case "correlation":
            chosen = _correlation_filter(properties)
        case "true":
            chosen = TrueFilter()
        case "false":
            pass
        case _:
            properties.fault("FilterType", f"{kind!r} is none of Sql, Correlation, True and False")
    properties.end()
    fields.end()
    return chosen


def _sql_filter(properties: Fields) -> Filter:
    sql = properties.fields("SqlFilter", required=True)
    if sql.get("Parameters"):
        sql.fault("Parameters", "parameters are not supported by this emulator")
    expression = sql.text("SqlExpression", required=True)
    sql.end()
    if expression is None:
        return FalseFilter()
    try:
        return parse_sql_filter(expression)
    except SqlError as error:
        sql.fault("SqlExpression", f"{error}: {expression!r}")
        return FalseFilter()


def _correlation_filter(properties: Fields) -> Filter:
    fields = properties.fields("CorrelationFilter", required=True)
    system = [(name.lower(), fields.text(name)) for name in _CORRELATION_FIELDS]
    user = fields.get("Properties")
    if user is not None and not isinstance(user, dict):
        fields.fault("Properties", "must be an object")
        user = {}
    for name, value in (user or {}).items():
        if not isinstance(value, str | int | float | bool):
            fields.fault(f"Properties.{name}", "must be a text, a number, or true or false")
    chosen = CorrelationFilter(
        tuple((name, value) for name, value in system if value is not None), tuple((user or {}).items())
    )
    if not chosen.system and not chosen.user:
        fields.fault("(itself)", "names no property to compare")
    fields.end()
    return chosen
