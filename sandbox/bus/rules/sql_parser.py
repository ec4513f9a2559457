"""SQL filter text to its meaning.

Supports, in Service Bus's grammar:

    predicate := predicate OR predicate | predicate AND predicate | NOT predicate | ( predicate )
               | operand (= <> != < <= > >=) operand | operand [NOT] IN ( operand, … )
               | operand [NOT] LIKE 'pattern' [ESCAPE 'c'] | property IS [NOT] NULL | EXISTS ( property )
    operand   := 'text' | 12 | -1.5 | 2E3 | TRUE | FALSE | NULL | property
    property  := [sys. | user.] name        name := letters | [any text] | "any text"

Arithmetic, functions and parameters are refused by name. Nothing is skipped or guessed.
"""

from __future__ import annotations

from sandbox.bus.rules.sql_tokens import SqlError, Token, TokenKind, tokenize
from sandbox.bus.rules.sql_tree import (
    And,
    Compare,
    Comparison,
    Constant,
    Exists,
    In,
    IsNull,
    Like,
    Not,
    Operand,
    Or,
    Predicate,
    SqlFilter,
    SystemProperty,
    UserProperty,
    like_pattern,
)
from sandbox.bus.rules.view import SYSTEM_PROPERTIES

MAX_LENGTH = 1024
_MAX_DEPTH = 32
_COMPARISONS = {comparison.value: comparison for comparison in Comparison} | {"!=": Comparison.NOT_EQUAL}
_RESERVED = {"AND", "OR", "NOT", "IN", "LIKE", "ESCAPE", "IS", "NULL", "EXISTS", "TRUE", "FALSE"}


def parse_sql_filter(expression: str) -> SqlFilter:
    """The filter that an expression means.

    :raises SqlError: it is longer than Service Bus allows, malformed, or uses what is not supported
    """
    if len(expression) > MAX_LENGTH:
        raise SqlError(f"the expression is longer than {MAX_LENGTH} characters", MAX_LENGTH)
    parser = _Parser(tokenize(expression))
    predicate = parser.predicate(0)
    parser.expect_end()
    return SqlFilter(expression, predicate)


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        if token.kind is not TokenKind.END:
            self._at += 1
        return token

    def _take_word(self, word: str) -> bool:
        if self._next.is_word(word):
            self._at += 1
            return True
        return False

    def _take_symbol(self, symbol: str) -> bool:
        if self._next.is_symbol(symbol):
            self._at += 1
            return True
        return False

    def _expect_symbol(self, symbol: str) -> None:
        if not self._take_symbol(symbol):
            raise SqlError(f"{symbol!r} was due, not {self._next.text!r},", self._next.position)

    def expect_end(self) -> None:
        if self._next.kind is not TokenKind.END:
            raise SqlError(f"{self._next.text!r} is not supported here", self._next.position)

    def predicate(self, depth: int) -> Predicate:
        if depth > _MAX_DEPTH:
            raise SqlError("the expression is nested too deeply", self._next.position)
        parts = [self._conjunction(depth)]
        while self._take_word("OR"):
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _conjunction(self, depth: int) -> Predicate:
        parts = [self._negation(depth)]
        while self._take_word("AND"):
            parts.append(self._negation(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _negation(self, depth: int) -> Predicate:
        negated = False
        while self._take_word("NOT"):
            negated = not negated
        inner = self._condition(depth)
        return Not(inner) if negated else inner

    def _condition(self, depth: int) -> Predicate:
        if self._take_symbol("("):
            inner = self.predicate(depth + 1)
            self._expect_symbol(")")
            return inner
        if self._take_word("EXISTS"):
            self._expect_symbol("(")
            subject = self._property()
            self._expect_symbol(")")
            return Exists(subject)
        left = self._operand()
        operator_token = self._take()
        if operator_token.kind is TokenKind.SYMBOL and operator_token.text in _COMPARISONS:
            return Compare(left, _COMPARISONS[operator_token.text], self._operand())
        if operator_token.is_word("IS"):
            return self._is_null(left, operator_token)
        negated = operator_token.is_word("NOT")
        if negated:
            operator_token = self._take()
        condition: Predicate
        if operator_token.is_word("IN"):
            condition = In(left, self._choices())
        elif operator_token.is_word("LIKE"):
            condition = self._like(left)
        else:
            raise SqlError(
                f"a comparison, IN, LIKE or IS was due, not {operator_token.text!r},", operator_token.position
            )
        return Not(condition) if negated else condition

    def _is_null(self, left: Operand, token: Token) -> Predicate:
        if isinstance(left, Constant):
            raise SqlError("IS NULL asks about a property, not a constant,", token.position)
        negated = self._take_word("NOT")
        if not self._take_word("NULL"):
            raise SqlError(f"NULL was due, not {self._next.text!r},", self._next.position)
        return Not(IsNull(left)) if negated else IsNull(left)

    def _choices(self) -> tuple[Operand, ...]:
        self._expect_symbol("(")
        choices = [self._operand()]
        while self._take_symbol(","):
            choices.append(self._operand())
        self._expect_symbol(")")
        return tuple(choices)

    def _like(self, left: Operand) -> Like:
        pattern = self._text("a LIKE pattern")
        escape = None
        if self._take_word("ESCAPE"):
            position = self._next.position
            escape = self._text("an ESCAPE character")
            if len(escape) != 1:
                raise SqlError("ESCAPE takes one character,", position)
        return Like(left, like_pattern(pattern, escape))

    def _text(self, what: str) -> str:
        token = self._take()
        if token.kind is not TokenKind.TEXT:
            raise SqlError(f"{what} in quotes was due, not {token.text!r},", token.position)
        return token.text

    def _operand(self) -> Operand:
        token = self._next
        match token.kind:
            case TokenKind.TEXT:
                return Constant(self._take().text)
            case TokenKind.INTEGER | TokenKind.NUMBER:
                return Constant(self._number(self._take()))
            case TokenKind.SYMBOL if token.is_symbol("-", "+"):
                self._take()
                number = self._take()
                if number.kind not in {TokenKind.INTEGER, TokenKind.NUMBER}:
                    raise SqlError("a sign is supported before a number only,", token.position)
                value = self._number(number)
                return Constant(-value if token.text == "-" else value)
            case TokenKind.NAME if token.text.upper() in {"TRUE", "FALSE", "NULL"}:
                self._take()
                return Constant({"TRUE": True, "FALSE": False, "NULL": None}[token.text.upper()])
            case TokenKind.NAME | TokenKind.QUOTED_NAME:
                return self._property()
            case TokenKind.SYMBOL | TokenKind.END:
                raise SqlError(f"a value was due, not {token.text!r},", token.position)

    @staticmethod
    def _number(token: Token) -> int | float:
        return int(token.text) if token.kind is TokenKind.INTEGER else float(token.text)

    def _property(self) -> SystemProperty | UserProperty:
        token = self._name()
        if token.kind is TokenKind.NAME and self._take_symbol("."):
            scope = token.text.lower()
            token = self._name()
            if scope == "sys":
                if token.text.lower() not in SYSTEM_PROPERTIES:
                    raise SqlError(f"sys.{token.text} is no supported system property", token.position)
                return SystemProperty(token.text.lower())
            if scope != "user":
                raise SqlError(f"the scope {scope!r} is neither sys nor user", token.position)
        if self._next.is_symbol("("):
            raise SqlError(f"the function {token.text!r} is not supported", token.position)
        return UserProperty(token.text.casefold())

    def _name(self) -> Token:
        token = self._take()
        if token.kind is TokenKind.QUOTED_NAME:
            return token
        if token.kind is not TokenKind.NAME or token.text.upper() in _RESERVED:
            raise SqlError(f"a property was due, not {token.text!r},", token.position)
        return token
