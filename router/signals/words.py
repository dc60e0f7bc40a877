"""The words of a text in small letters, where nothing else of it matters."""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+")
_FOLDED = bytes(ord(chr(sign).lower()) if sign < 128 and _WORD.match(chr(sign)) else 32 for sign in range(256))
"""Of each ASCII sign its small letter, or a space where it is of no word."""


def words_of(text: str) -> list[str]:
    """The words in small letters, in order: letters, digits and the underscore."""
    if text.isascii():  # several times as fast
        return text.encode().translate(_FOLDED).decode().split()
    return _WORD.findall(text.lower())
