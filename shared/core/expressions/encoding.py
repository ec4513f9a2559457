"""Functions between text and other codings of it: base64, hexadecimal, bits, distinguished names, SIDs."""

from __future__ import annotations

import base64
import binascii
import re

from .errors import Failure
from .syntax import Word
from .values import Value, as_integer, as_text, required_integer

_PYTHON_NAME = {Word.UTF8.value: "utf-8", Word.ASCII.value: "ascii"}
_WHITE = re.compile(r"[ \t\r\n]+")
_SID_HEADER = 8  # bytes before the first sub-authority
_DN_PART = re.compile(r"((?:[^,\\]|\\.)*)(?:,|$)", re.DOTALL)
_DN_ESCAPE = re.compile(r"\\([0-9A-Fa-f]{2}|.)", re.DOTALL)
_HEX_PAIR = 2


def convert_to_base64(source: Value) -> Value:
    """ConvertToBase64(source): of its UTF-16 bytes, low byte first."""
    text = as_text(source)
    return None if text is None else base64.b64encode(text.encode("utf-16-le", "surrogatepass")).decode()


def convert_from_base64(source: Value, encoding: Value) -> Value:
    """ConvertFromBase64(source, Encoding): Unicode (UTF-16) unless UTF8 or ASCII is asked for."""
    text = as_text(source)
    if text is None:
        return None
    codec = _PYTHON_NAME.get(encoding, "utf-16-le") if isinstance(encoding, str) else "utf-16-le"
    return _base64_bytes(text).decode(codec, "replace")


def convert_to_utf8_hex(source: Value) -> Value:
    """ConvertToUTF8Hex(source): two upper-case digits a byte."""
    text = as_text(source)
    if text is None:
        return None
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")  # lone halves as .NET does
    return whole.encode().hex().upper()


def bit_and(first: Value, second: Value) -> Value:
    """BitAnd(value1, value2); null when one of them is."""
    one, other = as_integer(first, "value1"), as_integer(second, "value2")
    return None if one is None or other is None else one & other


def c_ref(value: Value) -> Value:
    """CRef(value): a reference is text here."""
    return as_text(value)


def dn_component(dn: Value, number: Value) -> Value:
    """DNComponent(dn, ComponentNumber): the value of that component from the left; null beyond the last."""
    text = as_text(dn)
    wanted = required_integer(number, "ComponentNumber")
    if wanted < 1:
        raise Failure("ComponentNumber counts from 1")
    if text is None:
        return None
    parts = [match[1] for match in _DN_PART.finditer(text) if match[0]]
    if wanted > len(parts):
        return None
    return _DN_ESCAPE.sub(_unescaped, parts[wanted - 1].partition("=")[2].strip())


def _unescaped(match: re.Match[str]) -> str:
    escaped = match[1]
    return chr(int(escaped, 16)) if len(escaped) == _HEX_PAIR else escaped


def string_from_sid(sid: Value) -> Value:
    """StringFromSid(ObjectSID): of the base64 text in which a directory's JSON carries bytes."""
    text = as_text(sid)
    if text is None or text.startswith("S-1-"):
        return text
    data = _base64_bytes(text)
    if len(data) < _SID_HEADER or len(data) != _SID_HEADER + 4 * data[1]:
        raise Failure("these bytes are no security identifier")
    parts = [data[0], int.from_bytes(data[2:_SID_HEADER], "big")]
    parts += [int.from_bytes(data[at : at + 4], "little") for at in range(_SID_HEADER, len(data), 4)]
    return "S-" + "-".join(map(str, parts))


def _base64_bytes(text: str) -> bytes:
    try:
        return base64.b64decode(_WHITE.sub("", text), validate=True)
    except (binascii.Error, ValueError):
        raise Failure("this is no base64 text") from None
