"""The tree beside each expression of a synchronizationSchema: checked against it on import, made from it on export.

The expression is the truth; the tree repeats it with parameter names that differ from the reference's and with
omitted arguments left out, so it can contradict the expression but not replace it. Nothing is evaluated here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, assert_never

from .expressions import FUNCTIONS, ParseError, parse, to_text
from .expressions.syntax import Attribute, Call, Compare, Concat, Keyword, Node, Number, Omitted, Text

if TYPE_CHECKING:
    from .synchronization_schema_reading import SchemaSource

_KEYS: Final = {("Replace", "oldValue"): "Find", ("Replace", "replacementValue"): "Replacement"}
"""Parameters that schemas of Entra's name otherwise than the reference of the functions does."""


def contradiction(node: Node, tree: SchemaSource) -> str | None:
    """Where a tree says something else than the expression that was parsed to `node`; None where it does not."""
    match tree.type:
        case "Attribute":
            return None if node == Attribute(tree.name or "") else _other(node, f"[{tree.name}]")
        case "Constant":
            constants = (Text, Number, Keyword)
            same = isinstance(node, constants) and tree.name in (to_text(node), getattr(node, "value", None))
            return None if same else _other(node, f'"{tree.name}"')
        case "Function":
            return _function(node, tree)
        case _:
            return None


def _other(node: Node, said: str) -> str:
    return f"the tree says {said} where the expression says {to_text(node)}"


def _function(node: Node, tree: SchemaSource) -> str | None:
    if isinstance(node, Compare | Concat):
        return None  # how a tree shows an operator is not known
    if not isinstance(node, Call) or node.function != tree.name:
        return _other(node, f"{tree.name}( … )")
    waiting = [argument for argument in node.arguments if not isinstance(argument, Omitted)]
    if len(waiting) != len(tree.parameters):
        return f"the tree gives {node.function} {len(tree.parameters)} arguments, the expression {len(waiting)}"
    for parameter in tree.parameters:
        if not parameter.expression:
            continue
        try:
            below = parse(parameter.expression).node
        except ParseError:
            continue  # a condition is no expression by itself
        if below not in waiting:
            return f"the tree gives {node.function} {parameter.expression}, which the expression does not"
        waiting.remove(below)
        found = contradiction(below, parameter)
        if found:
            return found
    return None


def tree_of(node: Node) -> dict[str, Any]:
    """The source of an attribute mapping, as Entra writes one."""
    text = to_text(node)
    match node:
        case Attribute(name=name):
            return _source(text, name, "Attribute", [])
        case Text(value=value):
            return _source(text, value, "Constant", [])
        case Number() | Keyword() | Omitted():
            return _source(text, text, "Constant", [])
        case Call(function=function, arguments=arguments):
            parameters = [
                {"key": _key(node, index), "value": tree_of(argument)}
                for index, argument in enumerate(arguments)
                if not isinstance(argument, Omitted)
            ]
            return _source(text, function, "Function", parameters)
        case Compare(left=left, operator=operator, right=right):
            sides = [{"key": key, "value": tree_of(side)} for key, side in (("left", left), ("right", right))]
            return _source(text, operator.value, "Function", sides)
        case Concat(parts=parts):
            joined = [{"key": f"source{index}", "value": tree_of(part)} for index, part in enumerate(parts, 1)]
            return _source(text, "&", "Function", joined)
        case _:
            assert_never(node)


def _source(expression: str, name: str, kind: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    return {"expression": expression, "name": name, "type": kind, "parameters": parameters}


def _key(call: Call, index: int) -> str:
    """The name of the parameter in a tree; those that repeat are numbered."""
    function = FUNCTIONS[call.function]
    parameter = function.parameter(index)
    name = parameter.name if parameter is not None else "source"
    first = len(function.parameters) - function.repeats
    if function.repeats and index >= first:
        return f"{name.rstrip('1')}{(index - first) // function.repeats + 1}"
    return _KEYS.get((call.function, name), name)
