"""Whether a bearer token may send logs.

With the published keys of the login service the signature is verified as well; without them (a monitor that was
started alone) only what the token claims. It must not fetch anything: the keys are given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import jwt

if TYPE_CHECKING:
    from collections.abc import Mapping

AUDIENCES: Final = ("https://monitor.azure.com", "https://monitor.azure.com/")
_LEEWAY: Final = 300  # seconds that two clocks may differ


class Verdict(Enum):
    """What a request's Authorization header is worth."""

    ALLOWED = "allowed"
    UNKNOWN_KEY = "unknown key"  # the published keys may have changed since they were read
    REFUSED = "refused"  # 401
    FORBIDDEN = "forbidden"  # 403


@dataclass(slots=True)
class TokenCheck:
    """Checks tokens for the audience of Azure Monitor.

    `keys` is a JWKS document, or None where none is to be had. `publishers` are the object ids that hold the role
    Monitoring Metrics Publisher; None means everybody.
    """

    keys: Mapping[str, Any] | None = None
    publishers: frozenset[str] | None = None
    last_reason: str = field(default="", init=False)

    def check(self, header: str, now: float) -> Verdict:
        """Judge an Authorization header at a time (seconds since 1970); `last_reason` says why not."""
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return self._refuse("a bearer token is missing")
        try:
            claims = self._claims(token.strip())
        except KeyError:
            self.last_reason = "the token is signed with a key that is not published"
            return Verdict.UNKNOWN_KEY
        except jwt.PyJWTError as error:
            return self._refuse(f"the token is not valid: {error}")
        if claims.get("aud") not in AUDIENCES:
            return self._refuse(f"the token's audience is {claims.get('aud')}, not {AUDIENCES[0]}")
        if not _number(claims, "nbf") - _LEEWAY <= now < _number(claims, "exp") + _LEEWAY:
            return self._refuse("the token has expired, or does not hold yet")
        if self.publishers is not None and claims.get("oid") not in self.publishers:
            self.last_reason = "the identity does not hold the role Monitoring Metrics Publisher on the rule"
            return Verdict.FORBIDDEN
        return Verdict.ALLOWED

    def _refuse(self, reason: str) -> Verdict:
        self.last_reason = reason
        return Verdict.REFUSED

    def _claims(self, token: str) -> Mapping[str, Any]:
        """The claims; KeyError where the signing key is not known. Times and audience are checked by the caller."""
        options: Any = {"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False}
        if self.keys is None:
            options["verify_signature"] = False
            claims: Mapping[str, Any] = jwt.decode(token, options=options)
            return claims
        key_id = jwt.get_unverified_header(token).get("kid", "")
        key = {entry.get("kid"): entry for entry in self.keys.get("keys", [])}[key_id]
        return jwt.decode(token, jwt.PyJWK(key, algorithm="RS256"), algorithms=["RS256"], options=options)


def _number(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    return float(value) if isinstance(value, (int, float)) else 0.0
