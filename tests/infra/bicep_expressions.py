"""Evaluates the expressions of our Bicep files, so that tests can look at what would be deployed and not at text.

No Bicep compiler can be had as a Python package. This reads tree-sitter's syntax tree and knows the subset that our
files use; anything else raises, so that a test never passes over what it did not understand.
"""

from __future__ import annotations

import hashlib
import ipaddress
import operator
import re
from typing import TYPE_CHECKING, Any

import tree_sitter
import tree_sitter_bicep
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_LANGUAGE = tree_sitter.Language(tree_sitter_bicep.language())
_OPERATORS = {">": operator.gt, "*": operator.mul, "!=": operator.ne}
_ESCAPES = {"\\'": "'", "\\\\": "\\", "\\n": "\n", "\\$": "$"}


class NotUnderstoodError(Exception):
    """A construct outside the subset, with its text."""


def parse(path: Path) -> tree_sitter.Node:
    """The syntax tree of one file."""
    source = re.sub(
        rb"(?m)^extension \w+$", lambda line: b" " * len(line[0]), path.read_bytes()
    )  # no part of the grammar
    return tree_sitter.Parser(_LANGUAGE).parse(source).root_node


def text(node: tree_sitter.Node) -> str:
    """The source text of a node."""
    return (node.text or b"").decode()


def evaluate(node: tree_sitter.Node, names: Mapping[str, Any], folder: Path) -> Any:
    """The value of an expression; `names` are parameters, variables, resources and modules, `folder` is the file's.

    Raises:
        NotUnderstoodError: the expression uses something outside the subset.
        KeyError: it names something that does not exist.
    """

    def value(part: tree_sitter.Node | None) -> Any:
        if part is None:
            raise NotUnderstoodError(text(node))
        return evaluate(part, names, folder)

    match node.type:
        case "number":
            return int(text(node))
        case "boolean" | "true" | "false":
            return text(node) == "true"
        case "null":
            return None
        case "string":
            return _string(node, value)
        case "identifier":
            return names[text(node)]
        case "array":
            return [value(part) for part in _parts(node)]
        case "object":
            return {_key(pair.named_children[0], value): value(pair.named_children[1]) for pair in _parts(node)}
        case "parenthesized_expression":
            return value(node.named_children[0])
        case "member_expression":
            whole, member = value(node.child_by_field_name("object")), text(_field(node, "property"))
            # The grammar reads `x => x.name` as (x => x).name; Bicep means the other.
            return (lambda item: whole(item)[member]) if callable(whole) else whole[member]
        case "subscript_expression":
            return value(node.child_by_field_name("object"))[value(node.child_by_field_name("index"))]
        case "ternary_expression":
            chosen = "consequence" if value(node.child_by_field_name("condition")) else "alternative"
            return value(node.child_by_field_name(chosen))
        case "binary_expression" if _operator(node) in _OPERATORS:
            sides = (value(node.child_by_field_name(side)) for side in ("left", "right"))
            return _OPERATORS[_operator(node)](*sides)
        case "lambda_expression":
            parameter, body = node.named_children
            return lambda item: evaluate(body, {**names, text(parameter): item}, folder)
        case "call_expression":
            function = text(_field(node, "function"))
            arguments = [value(part) for part in _parts(_field(node, "arguments"))]
            if function == "loadYamlContent":
                return yaml.safe_load((folder / arguments[0]).read_text(encoding="utf-8"))
            if function == "loadTextContent":
                return (folder / arguments[0]).read_text(encoding="utf-8")
            if function not in _FUNCTIONS:
                raise NotUnderstoodError(text(node))
            return _FUNCTIONS[function](*arguments)
    raise NotUnderstoodError(f"{node.type}: {text(node)}")


def _string(node: tree_sitter.Node, value: Callable[[tree_sitter.Node], Any]) -> str:
    """Cut from the source between the pieces, since the grammar leaves white space out of them."""
    source, start = node.text or b"", node.start_byte
    result, at = "", 1
    for piece in node.named_children:
        result += source[at : piece.start_byte - start].decode()
        match piece.type:
            case "interpolation":
                result += str(value(piece.named_children[0]))
            case "escape_sequence":
                result += _ESCAPES[text(piece)]
            case "string_content":
                result += text(piece)
            case _:
                raise NotUnderstoodError(text(node))
        at = piece.end_byte - start
    return result + source[at:-1].decode()


def _key(node: tree_sitter.Node, value: Callable[[tree_sitter.Node], Any]) -> str:
    return str(value(node)) if node.type == "string" else text(node)


def _parts(node: tree_sitter.Node) -> list[tree_sitter.Node]:
    return [part for part in node.named_children if part.type != "comment"]


def _field(node: tree_sitter.Node, name: str) -> tree_sitter.Node:
    found = node.child_by_field_name(name)
    if found is None:
        raise NotUnderstoodError(text(node))
    return found


def _operator(node: tree_sitter.Node) -> str:
    return text(node.children[1])


def _hash(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:13]


def _cidr_subnet(network: str, prefix: int, index: int) -> str:
    return str(list(ipaddress.ip_network(network).subnets(new_prefix=prefix))[index])


def _union(*parts: dict[str, Any]) -> dict[str, Any]:
    return {key: item for part in parts for key, item in part.items()}


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "cidrSubnet": _cidr_subnet,
    "concat": lambda *arrays: [item for array in arrays for item in array],
    "empty": lambda item: not item,
    "environment": lambda: {
        "name": "AzureCloud",
        "suffixes": {"storage": "core.windows.net"},
        "authentication": {"loginEndpoint": "https://login.microsoftonline.com/"},
    },
    "guid": _hash,
    "items": lambda mapping: [{"key": key, "value": mapping[key]} for key in sorted(mapping)],
    "map": lambda array, function: [function(item) for item in array],
    "replace": lambda whole, old, new: whole.replace(old, new),
    "split": lambda whole, separator: whole.split(separator),
    "string": str,
    "subscription": lambda: {"id": "/subscriptions/0"},
    "subscriptionResourceId": lambda kind, name: f"/subscriptions/0/providers/{kind}/{name}",
    "tenant": lambda: {"tenantId": "50000000-0000-4000-8000-000000000001"},
    "toLower": str.lower,
    "union": _union,
    "uniqueString": _hash,
}
