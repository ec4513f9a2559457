"""Reads the text of a `$filter` into the expressions of `filters`.

The grammar is the subset that Graph's directory objects understand; what lies outside raises
`FilterError`. It compares nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sandbox.tenants.odata.filters import (
    Affix,
    AnyItem,
    Both,
    Comparison,
    Either,
    Expression,
    FilterError,
    In,
    Literal,
    Not,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>'(?:[^']|'')*')
        |(?P<datetime>\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d))
        |(?P<guid>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})
        |(?P<number>-?\d+)
        |(?P<word>[A-Za-z_][A-Za-z0-9_]*(?:/[A-Za-z_][A-Za-z0-9_]*)*)
        |(?P<mark>[(),:]))""",
    re.VERBOSE,
)
_OPERATORS = frozenset({"eq", "ne", "ge", "le", "gt", "lt"})
_DEEPEST = 100


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._position = 0
        self._depth = 0

    def whole(self) -> Expression:
        expression = self._either("")
        if self._position < len(self._tokens):
            raise FilterError(f"Syntax error at token {self._position + 1}", syntax=True)
        return expression

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._position] if self._position < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._position += 1
        return token

    def _expect(self, mark: str) -> None:
        if self._next() != ("mark", mark):
            raise FilterError(f"'{mark}' is expected at token {self._position}", syntax=True)

    def _word(self, *words: str) -> bool:
        kind, text = self._peek()
        if kind == "word" and text.lower() in words:
            self._position += 1
            return True
        return False

    def _either(self, variable: str) -> Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise FilterError("The filter is nested too deeply", syntax=True)
        left = self._both(variable)
        while self._word("or"):
            left = Either(left, self._both(variable))
        self._depth -= 1
        return left

    def _both(self, variable: str) -> Expression:
        left = self._single(variable)
        while self._word("and"):
            left = Both(left, self._single(variable))
        return left

    def _single(self, variable: str) -> Expression:
        negated = 0
        while self._word("not"):
            negated += 1
        expression = self._plain(variable)
        for _ in range(negated):
            expression = Not(expression)
        return expression

    def _plain(self, variable: str) -> Expression:
        if self._peek() == ("mark", "("):
            self._next()
            expression = self._either(variable)
            self._expect(")")
            return expression
        kind, text = self._next()
        if kind != "word":
            raise FilterError(f"A property is expected at token {self._position}", syntax=True)
        if self._peek() == ("mark", "("):
            return self._call(text, variable)
        name = self._name(text, variable)
        if self._word("in"):
            return In(name, self._list())
        kind, operator = self._next()
        if kind != "word" or operator.lower() not in _OPERATORS:
            raise FilterError(f"An operator is expected at token {self._position}", syntax=True)
        return Comparison(name, operator.lower(), self._literal())

    @staticmethod
    def _name(text: str, variable: str) -> str:
        if variable and text == variable:
            return ""
        if variable:
            raise FilterError("Inside any() only the range variable can be compared", syntax=False)
        return text

    def _call(self, text: str, variable: str) -> Expression:
        self._expect("(")
        function = text.lower()
        if function in {"startswith", "endswith"}:
            kind, name = self._next()
            if kind != "word":
                raise FilterError(f"A property is expected at token {self._position}", syntax=True)
            self._expect(",")
            value = self._literal()
            self._expect(")")
            if not isinstance(value, str):
                raise FilterError(f"{text} takes a string", syntax=True)
            return Affix(self._name(name, variable), value, function == "startswith")
        collection, slash, function = text.rpartition("/")
        if not slash or function.lower() != "any" or variable:
            raise FilterError(f"The function '{text}' is not supported", syntax=False)
        if self._peek() == ("mark", ")"):
            self._next()
            return AnyItem(collection, None)
        kind, inner = self._next()
        if kind != "word":
            raise FilterError(f"A range variable is expected at token {self._position}", syntax=True)
        self._expect(":")
        condition = self._either(inner)
        self._expect(")")
        return AnyItem(collection, condition)

    def _list(self) -> tuple[Literal, ...]:
        self._expect("(")
        values = [self._literal()]
        while self._peek() == ("mark", ","):
            self._next()
            values.append(self._literal())
        self._expect(")")
        return tuple(values)

    def _literal(self) -> Literal:
        kind, text = self._next()
        match kind:
            case "string":
                return text[1:-1].replace("''", "'")
            case "number":
                return int(text)
            case "guid" | "datetime":
                return text
            case "word" if text.lower() in {"true", "false", "null"}:
                return {"true": True, "false": False, "null": None}[text.lower()]
            case _:
                raise FilterError(f"A literal is expected at token {self._position}", syntax=True)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    end = len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            raise FilterError(f"Syntax error at position {position}", syntax=True)
        yield found.lastgroup, found.group(found.lastgroup)
        position = found.end()


def parse(text: str) -> Expression:
    """The expression a filter says; FilterError if it says none."""
    return _Parser(text).whole()
