"""Graph's own error envelopes, one function for each refusal that an operation can end in.

Codes and status are those of Graph; texts are short, except where callers are known to read them
(invitations). An error never carries a person's data beyond what Graph itself puts there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.tenants.clock import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.tenants.wire import JsonObject


@dataclass(frozen=True, slots=True)
class Detail:
    """One entry of `error.details`."""

    code: str
    target: str
    message: str


class GraphError(Exception):
    """A refusal: HTTP status, Graph's code, its message."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: tuple[Detail, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = dict(headers or {})

    def envelope(self, now: float, request_id: str, client_request_id: str) -> JsonObject:
        """The JSON body."""
        error: JsonObject = {"code": self.code, "message": self.message}
        if self.details:
            error["details"] = [
                {"code": detail.code, "target": detail.target, "message": detail.message} for detail in self.details
            ]
        error["innerError"] = {
            "date": timestamp(now).removesuffix("Z"),
            "request-id": request_id,
            "client-request-id": client_request_id,
        }
        return {"error": error}


def bad_request(message: str, *details: Detail) -> GraphError:
    """A payload that breaks a rule."""
    return GraphError(400, "Request_BadRequest", message, details=details)


def malformed(message: str) -> GraphError:
    """A request that Graph's front door cannot read."""
    return GraphError(400, "BadRequest", message)


def invalid(message: str) -> GraphError:
    """A subscription request that cannot be granted."""
    return GraphError(400, "InvalidRequest", message)


def unsupported_query(message: str = "Unsupported or invalid query.") -> GraphError:
    """A query option that the directory does not support."""
    return GraphError(400, "Request_UnsupportedQuery", message)


def unknown_property(name: str, type_name: str) -> GraphError:
    """A property that the type does not have."""
    return bad_request(f"Property '{name}' does not exist as a declared property or extension property of {type_name}.")


def property_conflict(name: str) -> GraphError:
    """Another object holds the value already."""
    message = f"Another object with the same value for property {name} already exists."
    return bad_request(message, Detail("ObjectConflict", name, message))


def not_found(object_id: str) -> GraphError:
    """No such object, as far as the replica that was asked knows."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{object_id}' does not exist or one of its queried reference-property objects are not present.",
    )


def denied(message: str = "Insufficient privileges to complete the operation.") -> GraphError:
    """The token's roles do not allow it."""
    return GraphError(403, "Authorization_RequestDenied", message)


def throttled(information: str, scope: str, retry_after: int | None) -> GraphError:
    """A limit is used up; Graph usually says for how many seconds, and which limit it was."""
    headers = {"x-ms-throttle-scope": scope, "x-ms-throttle-information": information}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return GraphError(429, "TooManyRequests", "Too many requests.", headers=headers)


def unauthenticated(message: str) -> GraphError:
    """No token, or one that does not hold."""
    return GraphError(
        401,
        "InvalidAuthenticationToken",
        message,
        headers={"WWW-Authenticate": 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common"'},
    )
