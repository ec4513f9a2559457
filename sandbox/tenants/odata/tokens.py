"""Opaque page and delta tokens: the state of a round as text that only its maker can write.

The state is a JSON object inside; a token that was cut, edited or made with another key reads as None.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

_SIGNATURE_BYTES = 9


class TokenMint:
    """Makes and reads tokens with one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self, state: dict[str, Any]) -> str:
        """The token for a state."""
        body = json.dumps(state, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._sign(body) + body).decode().rstrip("=")

    def read(self, token: str) -> dict[str, Any] | None:
        """The state of a token of this mint, or None."""
        try:
            raw = base64.urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4))
        except ValueError:
            return None
        signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(body)):
            return None
        state: dict[str, Any] = json.loads(body)
        return state

    def _sign(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).digest()[:_SIGNATURE_BYTES]
