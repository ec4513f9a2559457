"""Writing users in a target tenant: twenty writes a call, at the target's pace.

Each method takes many users and answers for each: done (with what was learned) or a fault. Whether a write
should be made was decided before; nothing here reads first or tries again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from shared.core.decide import RESTORE_CONFLICT
from shared.core.fault_sizes import Fault, FaultSize
from shared.graph.client import BATCH_SIZE, GraphRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.graph.client import GraphClient, GraphResponse
    from shared.graph.pace import WriteBudget

_REDIRECT_URL = "https://myapps.microsoft.com"


@dataclass(frozen=True, slots=True)
class Invitation:
    """Whom to invite. The invited person gets no mail: automatic redemption is set up between the tenants."""

    address: str
    display_name: str | None
    user_type: Literal["Member", "Guest"]


class TargetWrites:
    """The writer app's hand in one target tenant."""

    def __init__(self, client: GraphClient, budget: WriteBudget) -> None:
        """`client` holds the writer app's credential for the target tenant."""
        self._client = client
        self._budget = budget

    async def invite(self, invitations: Sequence[Invitation]) -> list[str | Fault]:
        """Invite people; for each the id of the target user, or a fault."""
        answers = await self._write(
            [
                GraphRequest(
                    "POST",
                    "/invitations",
                    {
                        "invitedUserEmailAddress": invitation.address,
                        "invitedUserDisplayName": invitation.display_name,
                        "invitedUserType": invitation.user_type,
                        "inviteRedirectUrl": _REDIRECT_URL,
                        "sendInvitationMessage": False,
                    },
                )
                for invitation in invitations
            ]
        )
        return [answer.fault or _invited_id(answer) for answer in answers]

    async def update(self, changes: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Fault | None]:
        """Patch users: (target id, Graph properties)."""
        return await self._done(
            [GraphRequest("PATCH", f"/users/{quote(user_id)}", properties) for user_id, properties in changes]
        )

    async def set_managers(self, managers: Sequence[tuple[str, str]]) -> list[Fault | None]:
        """Set managers: (target id, the manager's target id)."""
        return await self._done(
            [
                GraphRequest(
                    "PUT",
                    f"/users/{quote(user_id)}/manager/$ref",
                    {"@odata.id": f"{self._client.root}/users/{quote(manager_id)}"},
                )
                for user_id, manager_id in managers
            ]
        )

    async def clear_managers(self, user_ids: Sequence[str]) -> list[Fault | None]:
        """Remove managers. A manager that is not there is removed."""
        faults = await self._done(
            [GraphRequest("DELETE", f"/users/{quote(user_id)}/manager/$ref") for user_id in user_ids]
        )
        return [None if fault is not None and fault.size is FaultSize.GONE else fault for fault in faults]

    async def soft_delete(self, user_ids: Sequence[str]) -> list[Fault | None]:
        """Move users to the target's deleted items, where they can be restored for 30 days."""
        return await self._done([GraphRequest("DELETE", f"/users/{quote(user_id)}") for user_id in user_ids])

    async def restore(self, user_ids: Sequence[str]) -> list[Fault | None]:
        """Bring users back from the deleted items: the same objects. `RestoreConflict`: their names are taken."""
        faults = await self._done(
            [GraphRequest("POST", f"/directory/deletedItems/{quote(user_id)}/restore") for user_id in user_ids]
        )
        return [
            replace(fault, size=FaultSize.CONFLICT, code=RESTORE_CONFLICT)
            if fault is not None and fault.code == "EntryConflict"
            else fault
            for fault in faults
        ]

    async def _done(self, requests: Sequence[GraphRequest]) -> list[Fault | None]:
        return [answer.fault for answer in await self._write(requests)]

    async def _write(self, requests: Sequence[GraphRequest]) -> list[GraphResponse]:
        answers: list[GraphResponse] = []
        for start in range(0, len(requests), BATCH_SIZE):
            chunk = requests[start : start + BATCH_SIZE]
            await self._budget.spend(len(chunk))
            answers += await self._client.send_all(chunk)
        return answers


def _invited_id(answer: GraphResponse) -> str | Fault:
    user = answer.body.get("invitedUser")
    user_id = user.get("id") if isinstance(user, dict) else None
    if isinstance(user_id, str):
        return user_id
    return Fault(FaultSize.TRANSIENT, "InvitationCreationFailure")
