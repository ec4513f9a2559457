"""Reason codes in words: what a code means, what to do about it, and Entra's name for it.

One table for both logs, and for whoever shows a reason to a person. A code that is missing here is shown
as it is: telling must never fail. Choosing reasons is the business of those who decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ReasonWords:
    """`advice` is empty where nothing is to be done; `entra_code` where Entra has no other name for it."""

    reason: str
    advice: str = ""
    entra_code: str = ""


_RETRIED: Final = "Nothing; it is tried again by itself."
_RIGHTS: Final = "Grant the app registration the rights that docs/deploy.md lists, then wait for the next probe."
_POLICY: Final = "Allow automatic redemption and user synchronization in the target's cross-tenant access settings."

REASON_WORDS: Final[Mapping[str, ReasonWords]] = MappingProxyType(
    {
        # what was done
        "inScope": ReasonWords("The user is in scope."),
        "resumed": ReasonWords("An attempt that was interrupted, or got no answer, is finished."),
        "matched": ReasonWords("An external user of the target matches and is taken over."),
        "imported": ReasonWords("A person named this user of the target in an import."),
        "changed": ReasonWords("The user changed in the source."),
        "drifted": ReasonWords("The user was changed in the target; it is put back."),
        "driftLeft": ReasonWords("The user was changed in the target; the mapping leaves it so."),
        "notInGroup": ReasonWords("The user is in none of the scoping groups."),
        "scopingFilter": ReasonWords("The user does not pass the scoping filter."),
        "sourceDeleted": ReasonWords("The user was deleted in the source."),
        "externalUser": ReasonWords("The user is an external user of the source."),
        "agentUser": ReasonWords("The user is an agent."),
        "inGrace": ReasonWords("The user left; sign-in is blocked until the days of grace are over."),
        "graceOver": ReasonWords("The user left, and the days of grace are over."),
        "attributesRefused": ReasonWords(
            "The target took the user but not all attributes.",
            "Change these attributes where they are mastered, or leave them unmapped in sync.yaml.",
        ),
        # why there is nothing to do
        "upToDate": ReasonWords("The user is as they should be."),
        "sourceDisabled": ReasonWords("The user is blocked in the source and was never in the target."),
        "alreadyRemoved": ReasonWords("The user is not in the target any more, as it should be."),
        "notOurs": ReasonWords("The user of the target is not ours."),
        "kept": ReasonWords("The user left the scope, and the configuration keeps them as they are."),
        "alreadyDisabled": ReasonWords("The user left the scope, and their sign-in is blocked already."),
        "inputFilter": ReasonWords("The input filter says that the user is left as they are."),
        "ignoredByMapping": ReasonWords("A mapping says that the user is left as they are."),
        "sourceNotFound": ReasonWords("Nobody of this id is in the source, nor among its deleted items."),
        # what may not be written now
        "throttled": ReasonWords(
            "The target throttles requests, and everything waits as long as it asks for.", _RETRIED
        ),
        "quarantined": ReasonWords("The target refuses this kind of action; a probe tries again by itself.", _RETRIED),
        "notSettled": ReasonWords(
            "The source changed a moment ago, or the opposite was just written; its replicas may differ.", _RETRIED
        ),
        # what waits for a person
        "deletionBudget": ReasonWords(
            "The removal is more than the deletion budget allows.",
            "Look at who is to be removed; then release them with python -m admin holds release, or bring them back.",
        ),
        "scopeGroupLost": ReasonWords(
            "The user is in a group that sync.yaml no longer names as a scope.",
            "Put the group back, release the user with python -m admin holds release, or accept the loss with"
            " python -m admin configuration accept.",
        ),
        "severalMatches": ReasonWords(
            "Several users of the target match.",
            "Leave the matching attributes with one of the objects.",
            "DuplicateTargetEntries",
        ),
        "twoSourceUsers": ReasonWords(
            "Two users of the source would be one user of the target.",
            "Give the source users different mail addresses.",
            "DuplicateSourceEntries",
        ),
        "deletedTwin": ReasonWords(
            "A deleted user of the target stands in the way.",
            "Restore or purge the deleted object, or allow adoption.",
            "EntryConflict",
        ),
        "deletedInTarget": ReasonWords(
            "Somebody deleted the user in the target.", "Restore the user there, or take them out of scope."
        ),
        "anotherInstallation": ReasonWords(
            "The user of the target belongs to another installation.",
            "Let the other installation give the object up.",
            "EntryConflict",
        ),
        "internalUser": ReasonWords(
            "An internal user of the target matches, and is never changed.",
            "Take the matching attributes from the internal user, or convert it to an external one.",
            "InvitationCreationFailureAmbiguousUser",
        ),
        "markerMissing": ReasonWords(
            "The user of the target no longer carries our marker.", "Find out who took it away, and put it back."
        ),
        "invitationUnfinished": ReasonWords(
            "We seem to have invited this user of the target, who left the scope before carrying our marker.",
            "Look at the user in the target, and delete them if nobody else needs them; then release.",
        ),
        "adoptionNotAllowed": ReasonWords(
            "A user of the target has the address, and adoption is not allowed.",
            "Name matching attributes in sync.yaml, or remove the object.",
            "EntryConflict",
        ),
        # what is ours to find out, or the administrator's to mend
        "mappingFailed": ReasonWords(
            "An attribute mapping failed for this user.",
            "Try it with python -m admin try-mapping; then change the mapping, or the user's attribute.",
        ),
        "MissingValues": ReasonWords(
            "The user has neither a mail address nor a user principal name to invite.", "Give the user an address."
        ),
        "scopingFilterUndecidable": ReasonWords(
            "The scoping filter cannot be decided for this user.", "Mend the filter, or the user's attribute."
        ),
        "inputFilterUndecidable": ReasonWords(
            "The input filter cannot be decided for this user.", "Mend the filter, or the user's attribute."
        ),
        "scopingGroupUnknown": ReasonWords(
            "A scoping group cannot be read, so nobody is known to have left it.",
            "Restore the group, or take it out of sync.yaml.",
        ),
        "sourceMissing": ReasonWords("The user is not found in the source, nor among its deleted items.", _RETRIED),
        "youngObject": ReasonWords("The user is not on every replica of the target yet.", _RETRIED),
        "NotFound": ReasonWords("The user is not there.", _RETRIED),
        "contention": ReasonWords("Several workers were at this user at once.", _RETRIED),
        "foreignLink": ReasonWords("The target answered with a link to another host.", _RETRIED),
        "InternalError": ReasonWords(
            "The app failed on this user.", "Report the defect, with the app's log.", "InternalServerError"
        ),
        "StoreUnavailable": ReasonWords("The store did not answer.", _RETRIED, "InternalServerError"),
        # Entra's own codes
        "AzureActiveDirectoryQuotaLimitExceeded": ReasonWords(
            "The target's quota of directory objects is full.",
            "Purge deleted objects, or raise the quota.",
        ),
        "InsufficientRights": ReasonWords("The app may not do this in the target.", _RIGHTS),
        "ExternalTenantNotFound": ReasonWords(
            "The tenant is not known.", "Correct the tenant id or cloud in sync.yaml."
        ),
        "AzureActiveDirectoryTokenExpired": ReasonWords("The target did not accept the token.", _RETRIED),
        "InvitationsBlocked": ReasonWords(
            "Microsoft blocks invitations from the source for suspicious activity.",
            "Open a case with Microsoft; creations go on by themselves when the block is lifted.",
        ),
        "AzureActiveDirectoryCrossTenantSyncPolicyCheckFailure": ReasonWords(
            "The target's cross-tenant access policy does not allow it.", _POLICY
        ),
        "AzureActiveDirectoryForbidden": ReasonWords(
            "The target's external collaboration settings do not allow invitations.",
            "Loosen the guest invite settings, or allow the source's domain.",
        ),
        "AzureActiveDirectoryCannotUpdateObjectsOriginatedInExternalService": ReasonWords(
            "Exchange owns an attribute of the user in the target.",
            "Change the attribute in Exchange, or leave it unmapped in sync.yaml.",
        ),
        "CannotUpdateObjectsMasteredOnPremises": ReasonWords(
            "The user of the target is mastered on premises.", "Change it there, or take the user out of scope."
        ),
        "DuplicateTargetEntries": ReasonWords(
            "Another object of the target has the same value.", "Leave the value with one of the objects."
        ),
        "EntryConflict": ReasonWords(
            "Another object of the target has the same value for a property that must be unique.",
            "Leave the value with one of the objects.",
        ),
        "RestoreConflict": ReasonWords(
            "Another object of the target has taken the name of our deleted user.",
            "Nothing: the next attempt invites the person anew. The deleted user is left in the bin.",
            "EntryConflict",
        ),
        "InvitationCreationFailure": ReasonWords("The invitation failed.", _RETRIED),
        "InvitationCreationFailureAmbiguousUser": ReasonWords(
            "A user with this address exists in the target already.", "Give the address to one of the two."
        ),
        "InvitationCreationFailureInvalidPropertyValue": ReasonWords(
            "The target does not take this address for an invitation.", "Give the user another mail address."
        ),
        "SchemaPropertyCanOnlyAcceptValue": ReasonWords(
            "The target does not take a value.", "Look at the mapping of the attributes that are to be written."
        ),
        "UnableToResolveReferenceAttributeValue": ReasonWords(
            "The user's manager cannot be set in the target yet.", _RETRIED
        ),
        "TooManyRequests": ReasonWords("The target throttles requests.", _RETRIED),
        "Conflict": ReasonWords("Somebody else changed the user at the same time.", _RETRIED),
        "ResyncRequired": ReasonWords("The target asked for a new beginning.", _RETRIED),
        "FailedDependency": ReasonWords("A request that this one depends on failed.", _RETRIED),
        "IncompleteAnswer": ReasonWords("Graph answered less than was asked for.", _RETRIED, "InternalServerError"),
        "InternalServerError": ReasonWords("The target failed.", _RETRIED),
        "Timeout": ReasonWords("The target did not answer in time.", _RETRIED),
        "UnsupportedRequest": ReasonWords(
            "Graph does not support what was asked of it.", "Report it: the request is wrong, not the user."
        ),
        # what happened to a target, or to the app, as a whole
        "listFailed": ReasonWords(
            "A list could not be read to its end, and nobody was removed for it.",
            "Nothing, where the next one ends well; else what is said here of the code that the description names.",
        ),
        "fewerInScope": ReasonWords(
            "Far fewer people were in scope than in the full cycle before.",
            "See that no scoping group was emptied and no filter mistyped: if the next full cycle finds the same, it is"
            " believed, and removals are left to the deletion budget.",
        ),
        "targetLost": ReasonWords(
            "The target is not in sync.yaml any more, and its users stay as they are.",
            "Put it back, or remove its users yourself, as docs/operating.md describes.",
        ),
        "subscriptionMade": ReasonWords("A subscription to changes of the source was made."),
        "SubscriptionLimitExceeded": ReasonWords(
            "The source has as many subscriptions as it may have.",
            "Delete subscriptions of apps that are no more; until then catch-up finds changes every few minutes.",
        ),
        "SubscriptionValidationFailed": ReasonWords(
            "Graph could not reach the notification address.",
            "Check NOTIFICATION_URL, and that the function app answers from outside.",
        ),
    }
)


def words_for(code: str) -> ReasonWords:
    """The words for a reason code; the code itself where there are none."""
    return REASON_WORDS.get(code) or ReasonWords(code)
