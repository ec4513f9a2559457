"""What an answer of Microsoft Graph means. The one place that knows Graph's wording.

Codes carry Entra's provisioning error names where there is one, so that old runbooks still match. Messages
are looked at only where nothing else tells two faults apart, and never kept: they can hold names and addresses.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from shared.core.fault_sizes import Fault, FaultSize
from shared.core.retry_after import retry_after

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

_THROTTLE_CODES: Final = frozenset({"toomanyrequests", "request_throttledtemporarily", "activitylimitreached"})

# (status or None for any, code or None for any, text in the message or None, size, name); the first that fits counts.
_TABLE: Final[tuple[tuple[int | None, str | None, str | None, FaultSize, str], ...]] = (
    (None, "Directory_QuotaExceeded", None, FaultSize.TENANT, "AzureActiveDirectoryQuotaLimitExceeded"),
    (None, "Authorization_IdentityNotFound", None, FaultSize.TENANT, "InsufficientRights"),
    (None, "Authorization_IdentityDisabled", None, FaultSize.TENANT, "InsufficientRights"),
    (401, None, "MSGraphInviteAPI", FaultSize.TENANT, "InsufficientRights"),
    (401, None, None, FaultSize.TRANSIENT, "AzureActiveDirectoryTokenExpired"),
    (403, None, "suspicious activity", FaultSize.TENANT, "InvitationsBlocked"),
    (403, None, "cross-tenant access", FaultSize.TENANT, "AzureActiveDirectoryCrossTenantSyncPolicyCheckFailure"),
    (403, None, "invitations not allowed", FaultSize.TENANT, "AzureActiveDirectoryForbidden"),
    (403, None, "external collaboration", FaultSize.TENANT, "AzureActiveDirectoryForbidden"),
    (403, None, "Exchange", FaultSize.USER, "AzureActiveDirectoryCannotUpdateObjectsOriginatedInExternalService"),
    (403, None, "subscriptions has been reached", FaultSize.TENANT, "SubscriptionLimitExceeded"),
    (403, None, None, FaultSize.USER, "InsufficientRights"),
    # Only Graph's own word means that somebody is not there: neither a gateway's page nor a replica that cannot read
    # its directory may count as proof.
    (404, "", None, FaultSize.TRANSIENT, "InternalServerError"),
    (404, None, "company information", FaultSize.YOUNG, "NotFound"),
    (404, None, None, FaultSize.GONE, "NotFound"),
    (None, "Directory_ConcurrencyViolation", None, FaultSize.TRANSIENT, "Conflict"),
    (None, "Directory_ExpiredPageToken", None, FaultSize.CONFLICT, "ResyncRequired"),
    (400, "Request_UnsupportedQuery", "DeltaLink", FaultSize.CONFLICT, "ResyncRequired"),
    (400, "Request_UnsupportedQuery", None, FaultSize.USER, "UnsupportedRequest"),  # ours to mend, and no user's value
    (400, "Request_InvalidRequestUrl", None, FaultSize.USER, "UnsupportedRequest"),
    (405, None, None, FaultSize.USER, "UnsupportedRequest"),
    (415, None, None, FaultSize.USER, "UnsupportedRequest"),
    (501, None, None, FaultSize.USER, "UnsupportedRequest"),
    (None, "Request_MultipleObjectsWithSameKeyValue", None, FaultSize.USER, "DuplicateTargetEntries"),
    (409, None, None, FaultSize.CONFLICT, "Conflict"),
    (410, None, None, FaultSize.CONFLICT, "ResyncRequired"),
    (412, None, None, FaultSize.CONFLICT, "Conflict"),
    (424, None, None, FaultSize.TRANSIENT, "FailedDependency"),
    (400, None, "Subscription validation request failed", FaultSize.TRANSIENT, "SubscriptionValidationFailed"),
    (400, None, "Not a valid reference update", FaultSize.YOUNG, "UnableToResolveReferenceAttributeValue"),
    (400, None, "not reference a valid application object", FaultSize.YOUNG, "NotFound"),
    (400, None, "on-premises mastered", FaultSize.USER, "CannotUpdateObjectsMasteredOnPremises"),
    (400, None, "originated within an external service", FaultSize.USER,
     "AzureActiveDirectoryCannotUpdateObjectsOriginatedInExternalService"),
    (400, None, "originated in external service", FaultSize.USER,
     "AzureActiveDirectoryCannotUpdateObjectsOriginatedInExternalService"),
    (400, None, "already exists in the directory", FaultSize.USER, "InvitationCreationFailureAmbiguousUser"),
    (400, None, "verified domain", FaultSize.USER, "InvitationCreationFailureInvalidPropertyValue"),
    (400, None, "Group email address", FaultSize.USER, "InvitationCreationFailureInvalidPropertyValue"),
    (400, None, "same value for property", FaultSize.USER, "EntryConflict"),
    (400, None, None, FaultSize.USER, "SchemaPropertyCanOnlyAcceptValue"),
    (500, None, "Unable to find target address", FaultSize.TRANSIENT, "InvitationCreationFailure"),
)  # fmt: skip

_REFUSED_ALONE: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        # Exchange owns these once the user is known there.
        "AzureActiveDirectoryCannotUpdateObjectsOriginatedInExternalService": frozenset(
            {"mail", "showInAddressList", "onPremisesExtensionAttributes"}
        ),
        # Sensitive on a user with a role: the app would need a role of its own.
        "InsufficientRights": frozenset(
            {"accountEnabled", "businessPhones", "mobilePhone", "otherMails", "employeeLeaveDateTime"}
        ),
    }
)
_MASTERED_IN_THE_CLOUD: Final = frozenset({"usageLocation", "userType", "showInAddressList"})
"""What stays writable here on a user who is mastered on premises; directory extensions do too."""

_ADDRESSED_TO_THE_TENANT: Final = re.compile(
    r"AADSTS(700016|7000112|65001|7000229|90002|70021|70021[123]|70025|700222|500011)\b"
)  # app or consent missing, tenant unknown, no federation or a mismatch: no user of the tenant can be served


def classify(status: int, body: object, headers: Mapping[str, str], now: datetime) -> Fault | None:
    """Read the size of the fault from one answer; None where it is a success.

    `status` is 0 where no whole answer came. `headers` have lower-case names.
    """
    if 200 <= status < 300:  # noqa: PLR2004 - the success class of HTTP
        return None
    code, message, request_id = _envelope(body)
    request_id = request_id or headers.get("request-id")
    wait = retry_after(headers.get("retry-after"), now)
    if status == 429 or code.lower() in _THROTTLE_CODES:  # noqa: PLR2004 - Too Many Requests
        return Fault(FaultSize.THROTTLED, "TooManyRequests", wait, request_id)
    for want_status, want_code, text, size, name in _TABLE:
        fits = (want_status in {None, status}) and (want_code is None or want_code == code)
        if fits and (text is None or text.lower() in message.lower()):
            return Fault(size, name, wait, request_id)
    return Fault(FaultSize.TRANSIENT, "InternalServerError" if status else "Timeout", wait, request_id)


def refusable(fault: Fault, properties: Iterable[str]) -> frozenset[str]:
    """Which of the properties of an update such a fault is known to be about; the others can be written without."""
    if fault.code == "CannotUpdateObjectsMasteredOnPremises":
        names = frozenset(properties) - _MASTERED_IN_THE_CLOUD
        return frozenset(name for name in names if not name.startswith("extension_"))
    return _REFUSED_ALONE.get(fault.code, frozenset()) & frozenset(properties)


def classify_sign_in(error_text: str) -> Fault:
    """The size of a refused token request, from the AADSTS code in its text."""
    if _ADDRESSED_TO_THE_TENANT.search(error_text):
        return Fault(
            FaultSize.TENANT,
            "ExternalTenantNotFound" if "AADSTS90002" in error_text else "InsufficientRights",
        )
    return Fault(FaultSize.TRANSIENT, "AzureActiveDirectoryTokenExpired")


def _envelope(body: object) -> tuple[str, str, str | None]:
    """(code, message, request id) of Graph's error envelope; empty where it is something else."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return "", "", None
    inner = error.get("innerError") or error.get("innererror")
    request_id = inner.get("request-id") if isinstance(inner, dict) else None
    return str(error.get("code") or ""), str(error.get("message") or ""), request_id
