"""The steps of one user's way as Entra's provisioning log tells them, made of what an event knows.

Steps before the one that failed went well, and later ones were not taken. The last step says what it came to: queries
that were written for Entra's log read its name. Names follow Entra's pattern `Entry` + what + `Add|Update|Delete|Skip`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.core.provisioning_event import Stage, Status

if TYPE_CHECKING:
    from shared.core.provisioning_event import ProvisioningEvent

Step = dict[str, str]

_SUCCESS: Final = "success"
_KINDS: Final = {
    "create": "Add",
    "adopt": "Update",
    "update": "Update",
    "disable": "Update",
    "enable": "Update",
    "restore": "Update",
    "softDelete": "Delete",
}
_DONE: Final = {
    "create": "invited and shaped",
    "adopt": "taken over and shaped",
    "update": "updated",
    "disable": "updated: sign-in is blocked",
    "enable": "updated: sign-in is allowed again",
    "restore": "restored and updated",
    "softDelete": "soft-deleted",
}


def steps_of(event: ProvisioningEvent, explanation: str) -> list[Step]:
    """The steps that were taken; `explanation` is the reason in words, for the step that ended it."""
    stages = list(Stage)
    reached = stages.index(event.stage)
    taken = [_step(stage, event) for stage in stages[:reached] if _is_told(stage, event)]
    return [*taken, _last(event, explanation)]


def _is_told(stage: Stage, event: ProvisioningEvent) -> bool:
    """References are told of where there is something to say; and a removal maps nothing."""
    match stage:
        case Stage.REFERENCE_RESOLUTION:
            return bool(event.waits_for) or "manager" in event.changed
        case Stage.PROCESSING:
            return event.action != "softDelete"
        case _:
            return True


def _step(stage: Stage, event: ProvisioningEvent) -> Step:
    """A step that went well."""
    match stage:
        case Stage.IMPORT:
            what = "Delete" if event.reason == "sourceDeleted" else ""
            return _named(f"EntryImport{what}", stage, _SUCCESS, "The user was read from the source.")
        case Stage.SCOPING:
            return _named("EntrySynchronizationScoping", stage, _SUCCESS, "The scope of the target was evaluated.")
        case Stage.MATCHING:
            found = event.target_user is not None and event.action != "create"
            return _named("EntryImport", stage, _SUCCESS, f"The target holds {'a' if found else 'no'} user to match.")
        case Stage.PROCESSING:
            kind = _KINDS.get(event.action, "Skip")
            return _named(f"EntrySynchronization{kind}", stage, _SUCCESS, "The attribute mappings were applied.")
        case Stage.REFERENCE_RESOLUTION if event.waits_for:
            text = (
                f"UnableToResolveReferenceAttributeValue: user {event.waits_for} could not be made manager of user "
                f"{event.source.user_id}, since they have no user in the target yet; it is done as soon as they have."
            )
            return _named("EntrySynchronizationReferences", stage, "warning", text)
        case Stage.REFERENCE_RESOLUTION:
            return _named("EntrySynchronizationReferences", stage, _SUCCESS, "The manager was found in the target.")
        case Stage.EXPORT:
            text = f"The user was {_DONE.get(event.action, 'looked at')} in the target."
            return _named(f"EntryExport{_KINDS.get(event.action, 'Update')}", stage, _SUCCESS, text)


def _last(event: ProvisioningEvent, explanation: str) -> Step:
    """The step that says what it came to."""
    if event.status is Status.FAILURE:
        return _step(event.stage, event) | {"status": "failure", "description": explanation}
    if event.status is Status.HELD or event.action not in _KINDS:
        return _named("EntrySynchronizationSkip", Stage.PROCESSING, "skipped", explanation)
    step = _step(Stage.EXPORT, event)
    if event.refused:
        return step | {"status": "warning", "description": f"{explanation} Not taken: {', '.join(event.refused)}."}
    return step


def _named(name: str, stage: Stage, status: str, description: str) -> Step:
    return {"name": name, "provisioningStepType": stage.value, "status": status, "description": description}
