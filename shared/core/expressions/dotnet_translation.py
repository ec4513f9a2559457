r"""From .NET's dialect of regular expressions to that of the `regex` package.

A pattern is read once, rewritten where the dialects differ, refused where .NET would refuse it, and bounded
in size. Nothing is matched here.

Different: group names and numbers (.NET counts unnamed groups first), character classes, `\z`, braces
that are no quantifier, escapes. Not carried over: balancing groups and the option `n`.
"""

from __future__ import annotations

import re
from typing import NoReturn

from .errors import Failure

_LARGEST = 20_000  # copies of single items that the quantifiers of a pattern may ask for
_DEEPEST = 60  # groups inside groups

_SIMPLE_GROUP = re.compile(r"\?(?::|=|!|<=|<!|>)")
_NAMED_GROUP = re.compile(r"\?(?:<([A-Za-z_]\w*|[1-9]\d{0,2})>|'([A-Za-z_]\w*|[1-9]\d{0,2})')")
_OPTIONS = re.compile(r"\?([imsx]*(?:-[imsx]+)?)([:)])")
_COMMENT = re.compile(r"\?#[^)]*\)")
_CONDITION = re.compile(r"\?\((\w+)\)")
_QUANTIFIER = re.compile(r"[*+?]|\{(\d{1,9})(?:(,)(\d{1,9})?)?\}")
_BACK_NAME = re.compile(r"\\k(?:<(\w+)>|'(\w+)'|\{(\w+)\})")
_BACK_NUMBER = re.compile(r"\\([1-9]\d?)")
_PROPERTY = re.compile(r"\\([pP])\{(Is)?([A-Za-z][A-Za-z0-9_-]*)\}")
_ESCAPES = {
    **{letter: "\\" + letter for letter in "AbBdDfGnrsStvwW"},
    "a": r"\x07",
    "e": r"\x1B",
    "z": r"\Z",
    "Z": r"(?=\n?\Z)",
}
_IN_CLASS = {**{letter: "\\" + letter for letter in "dDsSwWfnrtv"}, "a": r"\x07", "e": r"\x1B", "b": r"\x08"}
_CODE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|c([A-Za-z@\[\\\]^_])|(0[0-7]{0,2}))")


def translate(pattern: str) -> tuple[str, dict[str, int]]:
    """The engine's pattern, and the engine's group for each of .NET's group names and numbers. Raises Failure."""
    translator = _Translator(pattern)
    return translator.translate(), translator.groups


class _Translator:
    """Reads a pattern once from left to right and writes the engine's."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.position = 0
        self.out: list[str] = []
        self.groups: dict[str, int] = {}
        unnamed = [str(number) for number in range(1, self.count_unnamed() + 1)]
        self.waiting = iter(unnamed)
        self.unnamed = frozenset(unnamed)
        self.references: list[tuple[int, str]] = []  # into `out`, and what is referred to
        self.opened = 0
        self.weights = [0]  # of the open groups: copies of items so far
        self.last = 0  # weight of the item that a quantifier would repeat; 0: there is none

    def refuse(self, why: str) -> NoReturn:
        raise Failure(f"the regular expression is not valid at its character {self.position + 1}: {why}")

    def count_unnamed(self) -> int:
        count = position = 0
        in_class = 0
        pattern = self.pattern
        while position < len(pattern):
            here = pattern[position]
            if here == "\\":
                position += 1
            elif here == "[":
                in_class += not in_class or pattern[position - 1] == "-"
                position += pattern.startswith("^", position + 1) + pattern.startswith(("]", "^]"), position + 1)
            elif here == "]" and in_class:
                in_class -= 1
            elif here == "(" and not in_class:
                count += not pattern.startswith("?", position + 1)
            position += 1
        return count

    def translate(self) -> str:
        while self.position < len(self.pattern):
            self.step()
        if len(self.weights) > 1:
            self.refuse("a parenthesis is not closed")
        for index, name in self.references:
            group = self.groups.get(name)
            if group is None:
                self.refuse("it refers to a group that it does not have")
            self.out[index] = f"(?P=g{group})"
        names = [name for name in self.groups if not name.isdigit()]
        taken = {int(name) for name in self.groups if name.isdigit()}
        number = 1
        for name in names:  # .NET numbers named groups after the unnamed ones
            while number in taken:
                number += 1
            taken.add(number)
            self.groups[str(number)] = self.groups[name]
        return "".join(self.out)

    def step(self) -> None:
        here = self.pattern[self.position]
        if here == "\\":
            self.escape()
        elif here == "[":
            self.position += 1
            self.item(self.character_class())
        elif here == "(":
            self.group()
        elif here == ")":
            if len(self.weights) == 1:
                self.refuse("a parenthesis was not opened")
            self.position += 1
            weight = self.weights.pop() or 1
            self.out.append(")")
            self.last = weight
            self.weights[-1] += weight
        elif here in "*+?{":
            self.quantifier()
        elif here == "|":
            self.position += 1
            self.out.append("|")
            self.last = 0
        else:
            self.position += 1
            self.item(here if here in "^$." or here.isalnum() or here.isspace() or here == "#" else "\\" + here)

    def item(self, text: str) -> None:
        self.out.append(text)
        self.last = 1
        self.weights[-1] += 1

    def quantifier(self) -> None:
        match = _QUANTIFIER.match(self.pattern, self.position)
        if match is None:  # a brace that is none: .NET takes it as a character, the engine as fuzzy matching
            self.position += 1
            self.item(r"\{")
            return
        if not self.last:
            self.refuse("a quantifier has nothing to repeat")
        text = match[0]
        least, comma, most = match.groups()
        copies = max(int(most or least), 1) if least else 1
        if comma and most and int(most) < int(least):
            self.refuse("a quantifier's limits are the wrong way round")
        added = self.last * (copies - 1)
        self.weights[-1] += added
        if self.weights[-1] > _LARGEST:
            self.refuse(f"its quantifiers ask for more than {_LARGEST} copies")
        self.last = 0
        self.position = match.end()
        if self.pattern.startswith("?", self.position):
            text += "?"
            self.position += 1
        if _QUANTIFIER.match(self.pattern, self.position):
            self.refuse("a quantifier follows another")
        self.out.append(text)

    def group(self) -> None:
        pattern, after = self.pattern, self.position + 1
        if comment := _COMMENT.match(pattern, after):
            self.position = comment.end()
            return
        if (options := _OPTIONS.match(pattern, after)) and options[0] != "?:":
            self.position = options.end()
            self.out.append("(" + options[0])
            if options[2] == ")":
                self.last = 0
                return
        elif simple := _SIMPLE_GROUP.match(pattern, after):
            self.position = simple.end()
            self.out.append("(" + simple[0])
        elif named := _NAMED_GROUP.match(pattern, after):
            self.position = named.end()
            self.open_group(named[1] or named[2])
        elif condition := _CONDITION.match(pattern, after):
            self.position = condition.end()
            group = self.groups.get(condition[1])
            if group is None:
                self.refuse("its condition refers to a group that does not stand before it")
            self.out.append(f"(?(g{group})")
        elif pattern.startswith("?", after):
            self.refuse("this kind of group is not supported")
        else:
            self.position = after
            self.open_group(next(self.waiting, "0"))
        self.weights.append(0)
        self.last = 0
        if len(self.weights) > _DEEPEST:
            self.refuse(f"it has more than {_DEEPEST} groups inside one another")

    def open_group(self, name: str) -> None:
        group = self.groups.get(name)
        if group is None:
            self.opened += 1
            group = self.groups[name] = self.opened
        self.out.append(f"(?P<g{group}>")

    def escape(self) -> None:
        pattern = self.pattern
        if back := _BACK_NAME.match(pattern, self.position) or _BACK_NUMBER.match(pattern, self.position):
            self.position = back.end()
            self.references.append((len(self.out), next(name for name in back.groups() if name)))
            self.item("")
            return
        self.item(self.escaped(_ESCAPES))

    def escaped(self, known: dict[str, str]) -> str:
        """One escape that stands for a character or a kind of characters, inside or outside of a class."""
        pattern = self.pattern
        if code := _CODE.match(pattern, self.position):
            self.position = code.end()
            number = int(code[1] or code[2], 16) if code[1] or code[2] else _code(code[3], code[4])
            return f"\\U{number:08X}"
        if kind := _PROPERTY.match(pattern, self.position):
            self.position = kind.end()
            block = "In" if kind[2] else ""
            return f"\\{kind[1]}{{{block}{kind[3].replace('-', '') if block else kind[3]}}}"
        escaped = pattern[self.position + 1 : self.position + 2]
        if not escaped:
            self.refuse("it ends in a backslash")
        if escaped in known:
            self.position += 2
            return known[escaped]
        if escaped.isascii() and (escaped.isalnum() or escaped == "_"):
            self.refuse(f"\\{escaped} has no meaning")
        self.position += 2
        return "\\" + escaped if escaped.isascii() and not escaped.isspace() else escaped

    def character_class(self) -> str:
        """From behind the opening bracket to behind the closing one. `-[…]` at the end subtracts."""
        pattern = self.pattern
        out = ["["]
        if pattern.startswith("^", self.position):
            self.position += 1
            out.append("^")
        first = True
        while True:
            if self.position >= len(pattern):
                self.refuse("a bracket is not closed")
            here = pattern[self.position]
            if here == "]" and not first:
                self.position += 1
                return "".join([*out, "]"])
            if here == "\\":
                out.append(self.escaped(_IN_CLASS))
            elif pattern.startswith("-[", self.position) and not first:
                self.position += 2
                out.append("--" + self.character_class())
                if not pattern.startswith("]", self.position):
                    self.refuse("a subtraction must be the last thing in its brackets")
            elif here == "-" and not first and not pattern.startswith("]", self.position + 1):
                self.position += 1
                out.append("-")
            else:
                self.position += 1
                out.append("\\" + here if here.isascii() and not (here.isalnum() or here.isspace()) else here)
            first = False


def _code(control: str | None, octal: str) -> int:
    return ord(control.upper()) - 64 if control else int(octal, 8)
