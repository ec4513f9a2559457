"""Graph's answers, and the size of the fault that each one means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.core.fault_sizes import Fault, FaultSize
from shared.core.retry_after import retry_after
from shared.graph.faults import classify, classify_sign_in, refusable

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
T, U, TEN = FaultSize.TRANSIENT, FaultSize.USER, FaultSize.TENANT
C, Y = FaultSize.CONFLICT, FaultSize.YOUNG

# What is known of an invitation's refusals.
INVITATIONS = [
    (400, "BadRequest", "The invited user already exists in the directory as object ID: 1. ", U,
     "InvitationCreationFailureAmbiguousUser"),
    (400, "BadRequest", "The domain of the email address is a verified domain of this directory.", U,
     "InvitationCreationFailureInvalidPropertyValue"),
    (400, "BadRequest", "Group email address is not supported.", U, "InvitationCreationFailureInvalidPropertyValue"),
    (400, "Request_BadRequest", "Another object with the same value for property proxyAddresses already exists.", U,
     "EntryConflict"),
    (400, "Request_BadRequest", "Another object with the same value for property otherMails already exists.", U,
     "EntryConflict"),
    (403, "Forbidden", "Guest invitations not allowed for your company.", TEN, "AzureActiveDirectoryForbidden"),
    (403, "Forbidden", "Your external collaboration settings forbid this.", TEN, "AzureActiveDirectoryForbidden"),
    (403, "Forbidden", "Blocked by cross-tenant access settings.", TEN,
     "AzureActiveDirectoryCrossTenantSyncPolicyCheckFailure"),
    (403, "Forbidden", "Invitations are blocked for this directory due to suspicious activity.", TEN,
     "InvitationsBlocked"),
    (401, "Unauthorized", "Insufficient privileges ControllerName=MSGraphInviteAPI, ActionName=CreateInvite", TEN,
     "InsufficientRights"),
    (500, "InternalServerError", "Unable to find target address", T, "InvitationCreationFailure"),
]  # fmt: skip

# What is known of all requests, by status and code.
ANSWERS = [
    (400, "Request_BadRequest", "Invalid value specified for property 'usageLocation'", U,
     "SchemaPropertyCanOnlyAcceptValue"),
    (400, "Request_BadRequest", "Another object with the same value for property userPrincipalName already exists.", U,
     "EntryConflict"),
    (400, "Request_BadRequest", ("Unable to update the specified properties for on-premises mastered Directory Sync"
     " objects"), U, "CannotUpdateObjectsMasteredOnPremises"),
    (400, "Request_BadRequest", ("Unable to update the specified properties for objects that have originated within an"
     " external service."), U, "AzureActiveDirectoryCannotUpdateObjectsOriginatedInExternalService"),
    (400, "Request_BadRequest", "The object originated in external service.", U,
     "AzureActiveDirectoryCannotUpdateObjectsOriginatedInExternalService"),
    (400, "Request_BadRequest", "Not a valid reference update.", Y, "UnableToResolveReferenceAttributeValue"),
    (400, "Request_UnsupportedQuery", "DeltaLink older than 30 days is not supported.", C, "ResyncRequired"),
    (400, "Request_UnsupportedQuery", "The property 'skills' cannot be selected here.", U, "UnsupportedRequest"),
    (400, "Request_InvalidRequestUrl", "", U, "UnsupportedRequest"),
    (400, "Directory_ExpiredPageToken", "", C, "ResyncRequired"),
    (400, "Request_MultipleObjectsWithSameKeyValue", "A conflicting object exists.", U, "DuplicateTargetEntries"),
    (409, "Request_MultipleObjectsWithSameKeyValue", "A conflicting object exists.", U, "DuplicateTargetEntries"),
    (400, "InvalidRequest", "Subscription validation request failed. HTTP status code is 503.", T,
     "SubscriptionValidationFailed"),
    (400, "ValidationError", "Subscription validation request failed. Timed out.", T, "SubscriptionValidationFailed"),
    (401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.", T,
     "AzureActiveDirectoryTokenExpired"),
    (401, "Authentication_ExpiredToken", "", T, "AzureActiveDirectoryTokenExpired"),
    (401, "Authentication_MissingOrMalformed", "", T, "AzureActiveDirectoryTokenExpired"),
    (401, "Authorization_IdentityNotFound", "The identity of the calling application could not be established.", TEN,
     "InsufficientRights"),
    (403, "Authorization_IdentityNotFound", "The identity of the calling application could not be established.", TEN,
     "InsufficientRights"),
    (401, "Authorization_IdentityDisabled", "", TEN, "InsufficientRights"),
    (403, "Authorization_IdentityDisabled", "", TEN, "InsufficientRights"),
    (403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.", U,
     "InsufficientRights"),
    (403, "ErrorAccessDenied", "Exchange is the authority for this property.", U,
     "AzureActiveDirectoryCannotUpdateObjectsOriginatedInExternalService"),
    (403, "Directory_QuotaExceeded", "The directory object quota limit is exceeded.", TEN,
     "AzureActiveDirectoryQuotaLimitExceeded"),
    (400, "Directory_QuotaExceeded", "The directory object quota limit is exceeded.", TEN,
     "AzureActiveDirectoryQuotaLimitExceeded"),
    (403, "Forbidden", "The limit of 100 subscriptions has been reached.", TEN, "SubscriptionLimitExceeded"),
    (404, "Request_ResourceNotFound", "Resource '1' does not exist", FaultSize.GONE, "NotFound"),
    (404, "Directory_ObjectNotFound", "Resource '1' does not exist", FaultSize.GONE, "NotFound"),
    (404, "Directory_ObjectNotFound", "Unable to read the company information from the directory.", Y, "NotFound"),
    (400, "Request_BadRequest", "The appId '1' does not reference a valid application object.", Y, "NotFound"),
    (404, "", "", T, "InternalServerError"),
    (405, "Request_BadRequest", "", U, "UnsupportedRequest"),
    (409, "Directory_ConcurrencyViolation", "concurrent requests being made", T, "Conflict"),
    (400, "Directory_ConcurrencyViolation", "concurrent requests being made", T, "Conflict"),
    (503, "Directory_ConcurrencyViolation", "concurrent requests being made", T, "Conflict"),
    (409, "Conflict", "", C, "Conflict"),
    (410, "syncStateNotFound", "", C, "ResyncRequired"),
    (410, "resyncRequired", "", C, "ResyncRequired"),
    (412, "PreconditionFailed", "", C, "Conflict"),
    (415, "", "", U, "UnsupportedRequest"),
    (423, "", "", T, "InternalServerError"),
    (424, "FailedDependency", "", T, "FailedDependency"),
    (429, "TooManyRequests", "", FaultSize.THROTTLED, "TooManyRequests"),
    (429, "activityLimitReached", "", FaultSize.THROTTLED, "TooManyRequests"),
    (429, "", "", FaultSize.THROTTLED, "TooManyRequests"),
    (400, "Request_ThrottledTemporarily", "", FaultSize.THROTTLED, "TooManyRequests"),
    (503, "activityLimitReached", "", FaultSize.THROTTLED, "TooManyRequests"),
    (500, "Service_InternalServerError", "", T, "InternalServerError"),
    (500, "UnknownError", "", T, "InternalServerError"),
    (501, "", "", U, "UnsupportedRequest"),
    (502, "", "", T, "InternalServerError"),
    (503, "Directory_ReplicaUnavailable", "", T, "InternalServerError"),
    (503, "serviceNotAvailable", "", T, "InternalServerError"),
    (504, "", "", T, "InternalServerError"),
    (509, "", "", T, "InternalServerError"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "code", "message", "size", "name"), [*INVITATIONS, *ANSWERS])
def test_each_answer_has_its_size_and_entras_name(status, code, message, size, name):
    """The table of what Graph says."""
    body = {"error": {"code": code, "message": message, "innerError": {"request-id": "r"}}}
    fault = classify(status, body, {}, NOW)
    assert fault is not None
    assert (fault.size, fault.code, fault.request_id) == (size, name, "r")


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_success_is_no_fault(status):
    """Whatever the body."""
    assert classify(status, None, {}, NOW) is None


@pytest.mark.parametrize("body", [None, "<html>gateway</html>", [], {"error": "text"}, {"error": {"innererror": 1}}])
def test_a_body_of_another_shape_is_still_classified(body):
    """Gateways answer with pages of their own."""
    fault = classify(502, body, {"request-id": "g"}, NOW)
    assert fault is not None
    assert (fault.size, fault.request_id) == (FaultSize.TRANSIENT, "g")


def test_no_answer_at_all_is_transient():
    """A connection that broke says nothing about the user."""
    fault = classify(0, None, {}, NOW)
    assert fault is not None
    assert (fault.size, fault.code) == (FaultSize.TRANSIENT, "Timeout")


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        (None, None),
        ("17", timedelta(seconds=17)),
        ("1.5", timedelta(seconds=1.5)),
        ("-3", timedelta()),
        ("Mon, 23 Nov 2026 12:01:00 GMT", timedelta(minutes=1)),
        ("Mon, 23 Nov 2026 11:00:00 GMT", timedelta()),
        ("soon", None),
        ("nan", None),
    ],
)
def test_retry_after_is_read_in_both_of_its_forms(header, wait):
    """Seconds, or an HTTP date; nonsense is as good as nothing."""
    assert retry_after(header, NOW) == wait


@pytest.mark.parametrize(
    ("text", "size", "code"),
    [
        ("AADSTS70021: No matching federated identity record found for the assertion.", TEN, "InsufficientRights"),
        ("AADSTS700211: No matching federated identity record found for assertion issuer", TEN, "InsufficientRights"),
        ("AADSTS700212: No matching federated identity record found for assertion audience", TEN, "InsufficientRights"),
        ("AADSTS700213: No matching federated identity record found for assertion subject", TEN, "InsufficientRights"),
        ("AADSTS70025: The client has no configured federated identity credentials.", TEN, "InsufficientRights"),
        ("AADSTS700222: Issued tokens may not be used for federated identity flows.", TEN, "InsufficientRights"),
        ("AADSTS700016: Application was not found in the directory", TEN, "InsufficientRights"),
        ("AADSTS7000112: Application is disabled", TEN, "InsufficientRights"),
        ("AADSTS65001: The user or administrator has not consented", TEN, "InsufficientRights"),
        ("AADSTS7000229: The client application is missing service principal", TEN, "InsufficientRights"),
        ("AADSTS500011: The resource principal was not found", TEN, "InsufficientRights"),
        ("AADSTS90002: Tenant not found", TEN, "ExternalTenantNotFound"),
        ("AADSTS50196: The server terminated an operation in a loop", T, "AzureActiveDirectoryTokenExpired"),
        ("AADSTS90033: A transient error has occurred", T, "AzureActiveDirectoryTokenExpired"),
        ("Connection reset", T, "AzureActiveDirectoryTokenExpired"),
    ],
)
def test_a_refused_sign_in_is_the_tenants_matter_or_passes(text, size, code):
    """AADSTS codes tell which."""
    fault = classify_sign_in(text)
    assert (fault.size, fault.code) == (size, code)


UPDATE = (
    "department", "accountEnabled", "mobilePhone", "mail", "showInAddressList", "onPremisesExtensionAttributes",
    "usageLocation", "extension_0_crosstenantSource",
)  # fmt: skip


@pytest.mark.parametrize(
    ("code", "refused"),
    [
        ("AzureActiveDirectoryCannotUpdateObjectsOriginatedInExternalService",
         {"mail", "showInAddressList", "onPremisesExtensionAttributes"}),
        ("InsufficientRights", {"accountEnabled", "mobilePhone"}),
        ("CannotUpdateObjectsMasteredOnPremises",
         {"department", "accountEnabled", "mobilePhone", "mail", "onPremisesExtensionAttributes"}),
        ("SchemaPropertyCanOnlyAcceptValue", set()),
        ("NotFound", set()),
    ],
)  # fmt: skip
def test_a_refusal_names_the_attributes_it_can_be_about(code, refused):
    """The others of the update can be written without them; the marker never is among them."""
    assert refusable(Fault(U, code), UPDATE) == refused
