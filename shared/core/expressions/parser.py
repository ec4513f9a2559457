"""From the text of an expression to its tree.

One pass by hand, because an administrator reads the errors: each says where, what was expected, and
which function was probably meant. Functions and their parameters are checked here, so a tree that
exists is one that can be evaluated. Depth is bounded: Python's own stack must not be what ends it.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, NoReturn

from .errors import ParseError
from .function import WORDS, Kind
from .registry import FUNCTIONS
from .syntax import (
    Attribute,
    Call,
    Compare,
    Comparison,
    Concat,
    Keyword,
    Node,
    Number,
    Omitted,
    Text,
    Word,
)

if TYPE_CHECKING:
    from .function import Function, Parameter

LONGEST = 10_000  # characters; Entra's own limit
DEEPEST = 220  # functions inside functions

_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEX = re.compile(r"&[Hh]([0-9A-Fa-f]{1,16})(?![0-9A-Za-z_])")
_DECIMAL = re.compile(r"-?[0-9]{1,28}(?:\.[0-9]{1,28})?(?![0-9A-Za-z_.])")
_COMPARISON = re.compile(r"<>|>=|<=|=|>|<")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\])')
_OTHER_QUOTES = frozenset("'\u2018\u201c\u201d")
_FLOW = frozenset({Word.IGNORE_ATTRIBUTE, Word.IGNORE_OBJECT})
_WORDS = {word.value: word for word in Word}


def parse_tree(text: str) -> Node:
    """The tree of `text`. Raises ParseError."""
    if len(text) > LONGEST:
        raise ParseError(f"the expression has {len(text)} characters", LONGEST, expected=f"at most {LONGEST}")
    parser = _Parser(text)
    parser.skip()
    if parser.position == len(text):
        raise ParseError("the expression is empty", 0, expected='a function, an [attribute] or a "constant"')
    node = parser.argument(Kind.VALUE, 0)
    if parser.position < len(text):
        parser.fail("text after the end of the expression", "nothing more")
    return node


class _Parser:
    """A position in a text. Every method leaves the position behind what it took and the space after."""

    __slots__ = ("position", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def skip(self) -> None:
        match = _SPACE.match(self.text, self.position)
        self.position = match.end() if match else self.position

    def fail(self, message: str, expected: str, position: int | None = None) -> NoReturn:
        raise ParseError(message, self.position if position is None else position, expected=expected)

    def argument(self, kind: Kind, depth: int) -> Node:
        """One argument: operands joined by `&`, and in a condition at most one comparison of two such."""
        start = self.position
        parts: list[Node] = []
        left: Node | None = None
        operator = Comparison.EQUAL
        while True:
            parts.append(self.call(depth) if self.starts_call() else self.leaf(kind))
            if self.text.startswith("&", self.position):
                self.position += 1
                self.skip()
                continue
            side = parts[0] if len(parts) == 1 else Concat(tuple(parts), start)
            found = _COMPARISON.match(self.text, self.position)
            if found is None:
                break
            if kind is not Kind.CONDITION:
                self.fail("a comparison stands only where a condition is asked for", "IIF( … ) or CBool( … )")
            if left is not None:
                self.fail("a condition compares two values only", ", or )")
            left, operator, parts = side, Comparison(found[0]), []
            self.position = found.end()
            self.skip()
        return side if left is None else Compare(left, operator, side, start)

    def starts_call(self) -> bool:
        name = _NAME.match(self.text, self.position)
        if name is None:
            return False
        space = _SPACE.match(self.text, name.end())
        return self.text.startswith("(", space.end() if space else name.end())

    def leaf(self, kind: Kind) -> Node:
        """A constant, an attribute or a bare word."""
        text, start = self.text, self.position
        node: Node
        if text.startswith('"', start):
            string = _STRING.match(text, start)
            if string is None:
                self.fail('the text that starts here does not end; \\" inside it is no end', 'a closing "')
            node = Text(_ESCAPE.sub(r"\1", string[1]), start)
            end = string.end()
        elif text.startswith("[", start):
            end = text.find("]", start) + 1
            inside = text[start + 1 : end - 1]
            if end == 0 or "[" in inside or '"' in inside:
                self.fail("the attribute name that starts here does not end", "a closing ]")
            if not inside.strip():
                self.fail("an attribute needs a name", "[name]")
            node = Attribute(inside.strip(), start)
        elif hexadecimal := _HEX.match(text, start):
            node, end = Number(int(hexadecimal[1], 16), start), hexadecimal.end()
        elif decimal := _DECIMAL.match(text, start):
            digits = decimal[0]
            node, end = Number(float(digits) if "." in digits else int(digits), start), decimal.end()
        elif name := _NAME.match(text, start):
            node, end = self.word(name[0], kind), name.end()
        else:
            what = f"{text[start]!r} is not the start of a value" if start < len(text) else "the expression ends here"
            hint = (
                "constants stand in double quotes"
                if text[start : start + 1] in ("'", "\u2018", "\u201c", "\u201d")
                else ""
            )
            self.fail(what, hint or 'a function, an [attribute], a "constant" or a number')
        if kind in WORDS and not isinstance(node, Keyword):
            if not (isinstance(node, Text) and node.value in WORDS[kind]):
                self.fail("a fixed word is needed here", kind.value, start)
            node = Keyword(Word(node.value), start)
        self.position = end
        self.skip()
        return node

    def word(self, name: str, kind: Kind) -> Keyword:
        known = _WORDS.get(name)
        if known is None or known not in WORDS.get(kind, _FLOW):
            self.unknown_word(name, known, kind)
        return Keyword(known, self.position)

    def unknown_word(self, name: str, known: Word | None, kind: Kind) -> NoReturn:
        if known is not None:
            self.fail(f"{name} has no place here", kind.value)
        if name in FUNCTIONS:
            self.fail(f"{name} is a function", f"{name}( … )")
        near = nearest(name, (*FUNCTIONS, *_WORDS))
        meant = f"{near}, " if near else ""
        self.fail(f"{name} is not a word of the language", f'{meant}an [attribute] or a "constant"')

    def call(self, depth: int) -> Call:
        """`Name(argument, …)`, checked against the function's parameters."""
        start = self.position
        match = _NAME.match(self.text, start)
        name = match[0] if match else ""
        function = FUNCTIONS.get(name)
        if function is None:
            near = nearest(name, tuple(FUNCTIONS))
            self.fail(f"there is no function {name}", near or "one of the functions of the language")
        if depth >= DEEPEST:
            self.fail(f"more than {DEEPEST} functions inside one another", "a simpler expression")
        if function.top_level and (depth or self.text[:start].strip()):
            self.fail(f"{name} may not stand inside another function", f"{name} around the whole expression")
        self.position += len(name)
        self.skip()
        self.position += 1
        self.skip()
        arguments: list[Node] = []
        if not self.text.startswith(")", self.position):
            while True:
                parameter = function.parameter(len(arguments))
                if self.text.startswith((",", ")"), self.position):
                    arguments.append(Omitted(self.position))
                elif parameter is None:
                    self.fail(f"{name} takes at most {len(function.parameters)} arguments", ")")
                else:
                    arguments.append(self.argument(parameter.kind, depth + 1))
                if not self.text.startswith(",", self.position):
                    break
                self.position += 1
                self.skip()
        if not self.text.startswith(")", self.position):
            self.fail(
                f"{name} is not closed" if self.position == len(self.text) else "the argument ends here", ", or )"
            )
        call = Call(name, _complete(function, arguments, self.position), start)
        self.position += 1
        self.skip()
        if function.check is not None and (complaint := function.check(call.arguments)):
            raise ParseError(f"{name}: {complaint.message}", _place(call, complaint.argument))
        return call


def _place(call: Call, argument: int) -> int:
    return call.arguments[argument].position if argument < len(call.arguments) else call.position


def _complete(function: Function, arguments: list[Node], end: int) -> tuple[Node, ...]:
    """Drops the empty arguments that nothing stands for; complains of those that are missing."""
    most = len(function.parameters)
    while arguments and isinstance(arguments[-1], Omitted) and not function.repeats and len(arguments) > most:
        arguments.pop()
    if function.repeats > 1 and arguments and (len(arguments) - most) % function.repeats:
        if isinstance(arguments[-1], Omitted) and len(arguments) > most:
            arguments.pop()
        else:
            pairs = ", ".join([parameter.name for parameter in function.parameters[-function.repeats :]])
            raise ParseError(
                f"{function.name} has {len(arguments)} arguments", end, expected=f"{pairs} always together"
            )
    for index, node in enumerate(arguments):
        parameter = function.parameter(index)
        if parameter is not None and isinstance(node, Omitted) and not parameter.optional:
            raise ParseError(f"{function.name}: {parameter.name} is left out", node.position, expected=_what(parameter))
    if len(arguments) < function.at_least:
        missing = function.parameter(len(arguments))
        name = missing.name if missing else "an argument"
        raise ParseError(f"{function.name}: {name} is missing", end, expected=_what(missing))
    return tuple(arguments)


def _what(parameter: Parameter | None) -> str:
    return parameter.kind.value if parameter else "a value"


def nearest(name: str, known: tuple[str, ...]) -> str | None:
    """The known name that was probably meant."""
    for candidate in known:
        if candidate.lower() == name.lower():
            return candidate
    lowered = {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    return lowered[found[0]] if found else None
