"""Functions that never give the same twice. The source of randomness is given.

They make identifiers, never secrets: a B2B user signs in at home and has no password here.
"""

from __future__ import annotations

import string
import uuid
from typing import TYPE_CHECKING

from .errors import Failure
from .values import Value, as_text, required_integer

if TYPE_CHECKING:
    from .environment import Environment

_LONGEST = 256
_SPECIAL = "~!@#$%^&*_-+=`|\\(){}[]:;\"'<>,.?/"
"""The special characters of the Windows password policy, to which the reference points."""


def guid(environment: Environment) -> Value:
    """Guid(): lower case, with hyphens."""
    return str(uuid.UUID(int=environment.surroundings.random.getrandbits(128), version=4))


def random_string(  # noqa: PLR0917 - the language's own parameters, by position
    environment: Environment,
    length: Value,
    minimum_numbers: Value,
    minimum_special: Value,
    minimum_capital: Value,
    minimum_lower: Value,
    avoid: Value,
) -> Value:
    """RandomString(Length, MinimumNumbers, …, CharactersToAvoid).

    Characters beyond the minima are letters and digits, and special ones only if any were asked for.
    """
    size = required_integer(length, "Length")
    avoided = set(as_text(avoid) or "")
    wanted = (
        ("MinimumNumbers", minimum_numbers, string.digits),
        ("MinimumSpecialCharacters", minimum_special, _SPECIAL),
        ("MinimumCapital", minimum_capital, string.ascii_uppercase),
        ("MinimumLowerCase", minimum_lower, string.ascii_lowercase),
    )
    draw = environment.surroundings.random
    if not 1 <= size <= _LONGEST:
        raise Failure(f"Length must be from 1 to {_LONGEST}")
    chosen: list[str] = []
    rest: list[str] = []
    for name, minimum, alphabet in wanted:
        number = required_integer(minimum, name)
        allowed = [character for character in alphabet if character not in avoided]
        if number < 0 or number > size:
            raise Failure(f"{name} must be from 0 to Length")
        if number and not allowed:
            raise Failure(f"CharactersToAvoid leaves none for {name}")
        chosen += draw.choices(allowed, k=number) if number else []
        rest += allowed if number or alphabet is not _SPECIAL else []
    if len(chosen) > size:
        raise Failure("the minima are more than Length")
    if len(chosen) < size and not rest:
        raise Failure("CharactersToAvoid leaves no characters")
    chosen += draw.choices(rest, k=size - len(chosen)) if len(chosen) < size else []
    draw.shuffle(chosen)
    return "".join(chosen)
