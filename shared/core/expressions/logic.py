"""Functions that decide, and those that ask what a value is.

IIF, Switch, Coalesce, And and Or evaluate only what decides the result: a branch that would fail, or
drop the attribute, has no effect while it is not taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .environment import Compat
from .errors import Failure, Ignore, IgnoreFlow
from .syntax import Attribute, Node, Text, walk
from .values import Value, as_condition, as_text, is_empty

if TYPE_CHECKING:
    from .environment import Environment, Run
    from .syntax import Call


def iif(call: Call, arguments: tuple[Run, ...]) -> Run:
    """IIF(condition, valueIfTrue, valueIfFalse)."""
    condition, when_true, when_false = arguments
    read = sorted({node.name for node in walk(call.arguments[0]) if isinstance(node, Attribute)})

    def run(environment: Environment) -> Value:
        if environment.surroundings.compat is Compat.ENTRA:
            held = environment.attributes
            if any(is_empty(held.get(name)) for name in read):
                return when_false(environment)
        return when_true(environment) if as_condition(condition(environment)) else when_false(environment)

    return run


def switch(_: Call, arguments: tuple[Run, ...]) -> Run:
    """Switch(source, defaultValue, key, value, …): keys in order, compared exactly; "" stands for null."""
    source, default, *rest = arguments
    pairs = tuple(zip(rest[::2], rest[1::2], strict=True))

    def run(environment: Environment) -> Value:
        wanted = as_text(source(environment)) or ""
        for key, value in pairs:
            if (as_text(key(environment)) or "") == wanted:
                return value(environment)
        return default(environment)

    return run


def coalesce(_: Call, arguments: tuple[Run, ...]) -> Run:
    """Coalesce(source, …, default): the first that is not null."""

    def run(environment: Environment) -> Value:
        for argument in arguments:
            value = argument(environment)
            if value is not None and value != []:
                return value
        return None

    return run


def both(_: Call, arguments: tuple[Run, ...]) -> Run:
    """And(condition, …), which Entra lacks."""
    return lambda environment: all(as_condition(argument(environment)) for argument in arguments)


def either(_: Call, arguments: tuple[Run, ...]) -> Run:
    """Or(condition, …), which Entra lacks."""
    return lambda environment: any(as_condition(argument(environment)) for argument in arguments)


def select_unique_value(_: Call, arguments: tuple[Run, ...]) -> Run:
    """SelectUniqueValue(rule, …): the first rule that gives a value.

    Entra checks uniqueness for on-premises targets only; a B2B user has no attribute that needs it.
    """

    def run(environment: Environment) -> Value:
        for argument in arguments:
            value = argument(environment)
            if not is_empty(value):
                return value
        return None

    return run


def invert(source: Value) -> Value:
    """Not(source): False for True, written like that or the boolean; True for anything else."""
    return not (source is True or source == "True")


def c_bool(expression: Value) -> Value:
    """CBool(Expression): True for what is true or not zero."""
    return as_condition(expression)


def is_null(expression: Value) -> Value:
    """IsNull(Expression)."""
    return expression is None or expression == []


def is_null_or_empty(expression: Value) -> Value:
    """IsNullOrEmpty(Expression)."""
    return is_empty(expression)


def is_present(expression: Value) -> Value:
    """IsPresent(Expression): the inverse of IsNullOrEmpty."""
    return not is_empty(expression)


def is_string(expression: Value) -> Value:
    """IsString(Expression)."""
    return isinstance(expression, str)


def ignore_flow_if_null_or_empty(expression: Value) -> Value:
    """IgnoreFlowIfNullOrEmpty(Expression): drops the attribute instead of writing nothing."""
    if is_empty(expression):
        raise IgnoreFlow(Ignore.ATTRIBUTE)
    return expression


def redact(value: Value) -> Value:
    """Redact(value): the value itself; that it is not to be logged is a property of the expression."""
    return value


def error(call: Call, arguments: tuple[Run, ...]) -> Run:
    """Error(ErrorMessage): fails. A computed message is not repeated: it may hold the user's data."""
    (message,) = arguments
    constant: Node = call.arguments[0]

    def run(environment: Environment) -> Value:
        if isinstance(constant, Text):
            raise Failure(constant.value)
        message(environment)
        raise Failure("reached; its message is computed from attributes and therefore not shown")

    return run
