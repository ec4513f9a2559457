"""Whether a client may use the bus: the emulator's one shared access policy, or any bearer token.

A token that claims to be signed with the policy's key must be; a bearer token (of a managed identity) is for the
login service to vouch for, and is taken as it is. There are no per-entity rights.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import unquote, unquote_plus

POLICY = "RootManageSharedAccessKey"
# The key Microsoft's emulator publishes for everyone; it protects nothing and is meant to be known.
KEY = "SAS_KEY_VALUE"
_SAS_PREFIX = "SharedAccessSignature "


def connection_string(host: str, port: int) -> str:
    """What the SDKs take to find and use an emulator at ``host:port``."""
    return (
        f"Endpoint=sb://{host}:{port};SharedAccessKeyName={POLICY};SharedAccessKey={KEY};UseDevelopmentEmulator=true;"
    )


def is_policy_key(name: str, key: str) -> bool:
    """Whether a name and key are the policy's."""
    return name == POLICY and hmac.compare_digest(key.encode(), KEY.encode())


def token_fault(token: object, now: float) -> str | None:
    """Why a token is refused, ``None`` if it is good. ``now`` in seconds since 1970-01-01 UTC."""
    if not isinstance(token, str) or not token.strip():
        return "the token is empty"
    if not token.startswith(_SAS_PREFIX):
        return None
    fields = dict(pair.split("=", 1) for pair in token[len(_SAS_PREFIX) :].split("&") if "=" in pair)
    resource, signature, expiry = fields.get("sr", ""), fields.get("sig", ""), fields.get("se", "")
    if unquote_plus(fields.get("skn", "")) != POLICY:
        return "the token names an unknown policy"
    digest = hmac.new(KEY.encode(), f"{resource}\n{expiry}".encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(base64.b64encode(digest), unquote(signature).encode()):
        return "the token's signature is wrong"
    if not expiry.isdecimal() or int(expiry) <= now:
        return "the token has expired"
    return None
