"""From a tree to a function that can be called for every user.

A tree is compiled to closures once: walking it again for each of 100,000 users would take longer
than everything else. The only exceptions that leave a compiled expression are EvaluationError and
IgnoreFlow.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from .comparison import compare
from .environment import Compat, Environment, Run, Surroundings
from .errors import EvaluationError, Failure, Ignore, IgnoreFlow
from .parser import parse_tree
from .registry import FUNCTIONS
from .syntax import (
    Attribute,
    Call,
    Compare,
    Concat,
    Keyword,
    Node,
    Number,
    Omitted,
    Text,
    Word,
    walk,
)
from .values import DateText, Value, as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Compat", "Environment", "Expression", "Surroundings", "evaluate", "parse"]


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression, ready to be evaluated.

    `run` gives the value for one user, or raises EvaluationError or IgnoreFlow; `evaluate` is the
    same with IgnoreFlow as a result.
    """

    text: str
    node: Node
    run: Run = field(repr=False, compare=False)
    attributes: frozenset[str] = field(repr=False, compare=False)  # names that are read
    redacts: bool = field(repr=False, compare=False)  # the result is not to be logged
    varies: str | None = field(repr=False, compare=False)  # a function in it that never gives the same twice
    follows_time: bool = field(repr=False, compare=False)  # the value may change though no attribute does


def parse(text: str) -> Expression:
    """The expression of `text` (at most 10,000 characters). Raises ParseError."""
    node = parse_tree(text)
    called = [each.function for each in walk(node) if isinstance(each, Call)]
    return Expression(
        text=text,
        node=node,
        run=_compile(node),
        attributes=attributes_read(node),
        redacts="Redact" in called,
        varies=next((name for name in called if FUNCTIONS[name].varies), None),
        follows_time="Now" in called,
    )


def evaluate(expression: Expression, attributes: Mapping[str, Value], surroundings: Surroundings) -> Value | Ignore:
    """The value for one user, given the user's attributes by name. Raises EvaluationError."""
    try:
        value = expression.run(Environment(attributes, surroundings))
    except IgnoreFlow as signal:
        return signal.what
    return str(value) if isinstance(value, DateText) else value


def attributes_read(node: Node) -> frozenset[str]:
    """The names of all attributes in `node`, taken branch or not."""
    return frozenset([each.name for each in walk(node) if isinstance(each, Attribute)])


def _compile(node: Node) -> Run:
    match node:
        case Text(value=value) | Number(value=value):
            return lambda _: value
        case Omitted():
            return _nothing
        case Attribute(name=name):
            return _attribute(name)
        case Keyword(word=Word.IGNORE_ATTRIBUTE):
            return _drop_attribute
        case Keyword(word=Word.IGNORE_OBJECT):
            return _drop_object
        case Keyword(word=word):
            return lambda _: word.value
        case Concat(parts=parts):
            return _concat(tuple([_compile(part) for part in parts]), node.position)
        case Compare():
            return _compare(node, _compile(node.left), _compile(node.right))
        case Call(arguments=arguments):
            return _call(node, tuple([_compile(argument) for argument in arguments]))
        case _:
            assert_never(node)


def _nothing(_: Environment) -> Value:
    return None


def _drop_attribute(_: Environment) -> Value:
    raise IgnoreFlow(Ignore.ATTRIBUTE)


def _drop_object(_: Environment) -> Value:
    raise IgnoreFlow(Ignore.OBJECT)


def _attribute(name: str) -> Run:
    def run(environment: Environment) -> Value:
        value = environment.attributes.get(name)
        return None if value == "" else value  # a directory has no empty text, only no value

    return run


def _failed(node: Call, failure: Failure) -> EvaluationError:
    return EvaluationError(f"{node.function}: {failure.message}", node.position)


def _concat(parts: tuple[Run, ...], position: int) -> Run:
    def run(environment: Environment) -> Value:
        try:
            return "".join([as_text(part(environment)) or "" for part in parts])
        except Failure as failure:
            raise EvaluationError(f"&: {failure.message}", position) from None

    return run


def _compare(node: Compare, left: Run, right: Run) -> Run:
    operator, position = node.operator, node.position

    def run(environment: Environment) -> Value:
        try:
            return compare(left(environment), operator, right(environment))
        except Failure as failure:
            raise EvaluationError(f"{operator.value}: {failure.message}", position) from None

    return run


def _call(node: Call, arguments: tuple[Run, ...]) -> Run:
    function = FUNCTIONS[node.function]
    if not function.repeats:
        arguments += (_nothing,) * (len(function.parameters) - len(arguments))
    if function.build is not None:
        return _guarded(node, function.build(node, arguments))
    call = function.call
    if call is None:  # pragma: no cover - the registry's test excludes it
        raise AssertionError(node.function)
    return _ambient(node, call, arguments) if function.ambient else _eager(node, call, arguments)


def _guarded(node: Call, inner: Run) -> Run:
    def run(environment: Environment) -> Value:
        try:
            return inner(environment)
        except Failure as failure:
            raise _failed(node, failure) from None

    return run


def _ambient(node: Call, call: Callable[..., Value], arguments: tuple[Run, ...]) -> Run:
    def run(environment: Environment) -> Value:
        try:
            return call(environment, *[argument(environment) for argument in arguments])
        except Failure as failure:
            raise _failed(node, failure) from None

    return run


def _eager(node: Call, call: Callable[..., Value], arguments: tuple[Run, ...]) -> Run:
    """The same by number of arguments: a call without a list is a third faster, and one frame deep."""
    match arguments:
        case (only,):

            def run_one(environment: Environment) -> Value:
                try:
                    return call(only(environment))
                except Failure as failure:
                    raise _failed(node, failure) from None

            return run_one
        case (first, second):

            def run_two(environment: Environment) -> Value:
                try:
                    return call(first(environment), second(environment))
                except Failure as failure:
                    raise _failed(node, failure) from None

            return run_two
        case (first, second, third):

            def run_three(environment: Environment) -> Value:
                try:
                    return call(first(environment), second(environment), third(environment))
                except Failure as failure:
                    raise _failed(node, failure) from None

            return run_three
        case _:

            def run_many(environment: Environment) -> Value:
                try:
                    return call(*[argument(environment) for argument in arguments])
                except Failure as failure:
                    raise _failed(node, failure) from None

            return run_many
