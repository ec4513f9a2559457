"""The signing key of the login service, and tokens made and checked with it.

One RSA key per process signs for every tenant. Times are the sandbox's clock, not the machine's.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.tenants.wire import JsonObject

_MOST_REMEMBERED = 10_000


@cache
def _private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class TokenInvalidError(Exception):
    """The token is not one of ours, or was changed."""


@dataclass(frozen=True, slots=True)
class Claims:
    """A verified token's claims."""

    values: Mapping[str, Any]

    @property
    def expires_at(self) -> float:
        """Seconds since 1970."""
        return float(self.values.get("exp", 0))

    @property
    def valid_from(self) -> float:
        """Seconds since 1970."""
        return float(self.values.get("nbf", 0))

    def text(self, name: str) -> str:
        """A text claim, or the empty string."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    @property
    def roles(self) -> frozenset[str]:
        """Application permissions in the token."""
        return frozenset(self.values.get("roles", ()))


class KeyRing:
    """Signs tokens and verifies them; verified ones are remembered, for a Graph call has no time."""

    def __init__(self) -> None:
        self._private = _private_key()
        self._public = self._private.public_key()
        der = self._public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.key_id = base64.urlsafe_b64encode(hashlib.sha256(der).digest()[:20]).decode().rstrip("=")
        self._remembered: dict[str, Claims] = {}

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A signed token."""
        return jwt.encode(dict(claims), self._private, algorithm="RS256", headers={"kid": self.key_id})

    def verify(self, token: str) -> Claims:
        """The claims; TokenInvalidError if the signature or the form is wrong. Times are for the caller to check."""
        known = self._remembered.get(token)
        if known is not None:
            return known
        unchecked = {"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False}
        try:
            claims = Claims(jwt.decode(token, self._public, algorithms=["RS256"], options=unchecked))  # type: ignore[arg-type]
        except jwt.PyJWTError as error:
            raise TokenInvalidError(str(error)) from error
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[token] = claims
        return claims

    def document(self) -> JsonObject:
        """The public keys, as `/discovery/v2.0/keys` shows them."""
        numbers = self._public.public_numbers()
        return {
            "keys": [
                {
                    "kty": "RSA",
                    "use": "sig",
                    "alg": "RS256",
                    "kid": self.key_id,
                    "x5t": self.key_id,
                    "n": _number(numbers.n),
                    "e": _number(numbers.e),
                }
            ]
        }


def _number(value: int) -> str:
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
