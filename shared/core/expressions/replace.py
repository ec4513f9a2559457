"""Replace: five functions under one name; which one is meant shows in the arguments that are there.

source oldValue                              replacementValue                             every oldValue
source oldValue                                                                 template  source put into the template
source          regexPattern                 replacementValue                             every match
source          regexPattern regexGroupName  replacementValue                             that group of every match
source          regexPattern regexGroupName           replacementAttributeName            source, or else that group
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .dotnet_regex import Pattern, compile_pattern, expand
from .errors import Failure
from .function import Complaint
from .syntax import Node, Omitted, Text
from .values import LONGEST_TEXT, Value, as_text

if TYPE_CHECKING:
    from collections.abc import Callable

    import regex

    from .environment import Environment, Run
    from .syntax import Call

SOURCE, OLD, PATTERN, GROUP, REPLACEMENT, ATTRIBUTE, TEMPLATE = range(7)


def replace(call: Call, arguments: tuple[Run, ...]) -> Run:
    """Replace(source, oldValue, regexPattern, regexGroupName, replacementValue, …)."""
    given = _given(call.arguments)
    source = arguments[SOURCE]
    if OLD in given and REPLACEMENT in given:
        return _plain(source, arguments[OLD], arguments[REPLACEMENT])
    if OLD in given:
        return _templated(source, arguments[OLD], arguments[TEMPLATE])
    if GROUP not in given:
        return _substituted(source, arguments[PATTERN], arguments[REPLACEMENT])
    if REPLACEMENT in given:
        return _group_replaced(source, arguments[PATTERN], arguments[GROUP], arguments[REPLACEMENT])
    return _group_extracted(source, arguments[PATTERN], arguments[GROUP], arguments[ATTRIBUTE])


def check_replace(arguments: tuple[Node, ...]) -> Complaint | None:
    """The combination of arguments, and a constant pattern, are checked at load."""
    given = _given(arguments)
    ways = (
        given >= {OLD, REPLACEMENT},
        given >= {OLD, TEMPLATE},
        given >= {PATTERN, REPLACEMENT},
        given >= {PATTERN, GROUP, ATTRIBUTE},
    )
    if not any(ways):
        return Complaint(
            "needs oldValue or regexPattern with replacementValue, oldValue with template, "
            "or regexPattern with regexGroupName and replacementAttributeName",
            SOURCE,
        )
    if PATTERN not in given or OLD in given:
        return None
    pattern = arguments[PATTERN]
    group = arguments[GROUP] if GROUP in given else None
    try:
        if isinstance(pattern, Text):
            compiled = compile_pattern(pattern.value)
            if isinstance(group, Text):
                _number(compiled, group.value)
    except Failure as failure:
        return Complaint(failure.message, PATTERN)
    return None


def _given(arguments: tuple[Node, ...]) -> set[int]:
    return {index for index, node in enumerate(arguments) if not isinstance(node, Omitted)}


def _plain(source: Run, old: Run, replacement: Run) -> Run:
    def run(environment: Environment) -> Value:
        text, wanted = as_text(source(environment)), as_text(old(environment))
        put = as_text(replacement(environment)) or ""
        return None if text is None else _bounded(text, wanted, put)

    return run


def _templated(source: Run, old: Run, template: Run) -> Run:
    def run(environment: Environment) -> Value:
        text, wanted = as_text(source(environment)), as_text(old(environment))
        frame = as_text(template(environment)) or ""
        return None if text is None else _bounded(frame, wanted, text)

    return run


def _bounded(text: str, wanted: str | None, put: str) -> str:
    if not wanted:
        raise Failure("oldValue must not be empty")
    if len(text) + text.count(wanted) * len(put) > 2 * LONGEST_TEXT:
        raise Failure(f"the result is longer than {LONGEST_TEXT} characters")
    return text.replace(wanted, put)


def _substituted(source: Run, pattern: Run, replacement: Run) -> Run:
    def run(environment: Environment) -> Value:
        text = as_text(source(environment))
        compiled = compile_pattern(as_text(pattern(environment)) or "")
        put = as_text(replacement(environment)) or ""
        if text is None:
            return None
        return compiled.replace(text, _counted(expand(put, compiled)))

    return run


def _counted(replacement: Callable[[regex.Match[str]], str]) -> Callable[[regex.Match[str]], str]:
    """The same, stopped when all replacements together are too long."""
    total = 0

    def counted(match: regex.Match[str]) -> str:
        nonlocal total
        put = replacement(match)
        total += len(put)
        if total > LONGEST_TEXT:
            raise Failure(f"the result is longer than {LONGEST_TEXT} characters")
        return put

    return counted


def _group_replaced(source: Run, pattern: Run, group: Run, replacement: Run) -> Run:
    def run(environment: Environment) -> Value:
        text = as_text(source(environment))
        compiled = compile_pattern(as_text(pattern(environment)) or "")
        number = _number(compiled, as_text(group(environment)))
        put = as_text(replacement(environment)) or ""

        def within(match: regex.Match[str]) -> str:
            pieces: list[str] = []
            position = match.start()
            for start, end in match.spans(number):
                if start >= position:
                    pieces += (match.string[position:start], put)
                    position = end
            return "".join([*pieces, match.string[position : match.end()]])

        return None if text is None else compiled.replace(text, _counted(within))

    return run


def _group_extracted(source: Run, pattern: Run, group: Run, attribute: Run) -> Run:
    def run(environment: Environment) -> Value:
        text = as_text(source(environment))
        if text:
            return text
        other = as_text(attribute(environment))
        compiled = compile_pattern(as_text(pattern(environment)) or "")
        number = _number(compiled, as_text(group(environment)))
        match = compiled.search(other) if other else None
        return match.group(number) if match else None

    return run


def _number(pattern: Pattern, name: str | None) -> int:
    number = pattern.groups.get(name or "")
    if number is None:
        raise Failure("the regular expression has no group named by regexGroupName")
    return number
