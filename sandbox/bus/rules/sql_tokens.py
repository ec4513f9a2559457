"""The words of a SQL filter: names, numbers, texts, operators, each with its place for error messages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class SqlError(ValueError):
    """The text is no filter this bus supports; the message says what and where."""

    def __init__(self, problem: str, position: int) -> None:
        super().__init__(f"{problem} at character {position + 1}")


class TokenKind(Enum):
    """What a word is."""

    NAME = "name"
    QUOTED_NAME = "quoted name"
    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    SYMBOL = "symbol"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One word; ``text`` is its content with quoting undone."""

    kind: TokenKind
    text: str
    position: int

    def is_word(self, word: str) -> bool:
        """Whether it is this keyword, in any case."""
        return self.kind is TokenKind.NAME and self.text.upper() == word

    def is_symbol(self, *symbols: str) -> bool:
        """Whether it is one of these operators."""
        return self.kind is TokenKind.SYMBOL and self.text in symbols


_PATTERN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<number>(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)
    | (?P<integer>\d+)
    | (?P<name>[^\W\d_]\w*)
    | (?P<bracketed>\[(?:[^\]]|\]\])+\])
    | (?P<quoted>"(?:[^"]|"")+")
    | (?P<text>'(?:[^']|'')*')
    | (?P<symbol><>|!=|<=|>=|[=<>(),.+\-*/%])
    """,
    re.VERBOSE,
)


def tokenize(expression: str) -> list[Token]:
    """All words of an expression, ended by one of kind END.

    :raises SqlError: a character that starts no word, such as a quote that is not closed
    """
    tokens: list[Token] = []
    at = 0
    while at < len(expression):
        found = _PATTERN.match(expression, at)
        if found is None:
            raise SqlError(f"{expression[at]!r} is not supported", at)
        word = found.group()
        match found.lastgroup:
            case "space":
                pass
            case "number":
                tokens.append(Token(TokenKind.NUMBER, word, at))
            case "integer":
                tokens.append(Token(TokenKind.INTEGER, word, at))
            case "name":
                tokens.append(Token(TokenKind.NAME, word, at))
            case "bracketed":
                tokens.append(Token(TokenKind.QUOTED_NAME, word[1:-1].replace("]]", "]"), at))
            case "quoted":
                tokens.append(Token(TokenKind.QUOTED_NAME, word[1:-1].replace('""', '"'), at))
            case "text":
                tokens.append(Token(TokenKind.TEXT, word[1:-1].replace("''", "'"), at))
            case _:
                tokens.append(Token(TokenKind.SYMBOL, word, at))
        at = found.end()
    tokens.append(Token(TokenKind.END, "the end", len(expression)))
    return tokens
