"""NormalizeDiacritics: Latin letters without their marks.

Microsoft's table covers Latin letters only, so the marks of other scripts stay: without its marks a
Korean or Hindi name is another name, or none.
"""

from __future__ import annotations

import unicodedata

from .values import Value, as_text

_WHOLE = {
    "\N{LATIN SMALL LETTER AE}": "ae",
    "\N{LATIN CAPITAL LETTER AE}": "AE",
    "\N{LATIN SMALL LETTER O WITH STROKE}": "oe",
    "\N{LATIN CAPITAL LETTER O WITH STROKE}": "OE",
    "\N{LATIN SMALL LIGATURE OE}": "oe",
    "\N{LATIN CAPITAL LIGATURE OE}": "OE",
    "\N{LATIN SMALL LETTER SHARP S}": "ss",
    "\N{LATIN SMALL LETTER DOTLESS I}": "i",
    "\N{LATIN SMALL LETTER L WITH STROKE}": "l",
    "\N{LATIN CAPITAL LETTER L WITH STROKE}": "L",
}
"""Letters of the table that Unicode does not decompose."""


def normalize_diacritics(source: Value) -> Value:
    """NormalizeDiacritics(source)."""
    text = as_text(source)
    if text is None or text.isascii():
        return text
    pieces = []
    after_latin = False
    for character in text:
        if character.isascii():
            pieces.append(character)
            after_latin = character.isalpha()
            continue
        decomposed = unicodedata.normalize("NFD", character)
        base = decomposed[0]
        if base in _WHOLE or (base.isascii() and base.isalpha()):
            pieces.append(_WHOLE.get(base, base))
            after_latin = True
        elif unicodedata.category(character) == "Mn" and after_latin:
            continue
        else:
            pieces.append(character)
            after_latin = False
    return "".join(pieces)
