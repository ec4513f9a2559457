"""What an administrator would otherwise write: a script that brings a group's people into another tenant.

It is the way that the SDK's own documentation shows: the typed client, one user after the other. Whoever is new is
invited, whoever differs is updated, managers are set at the end, and invited users who are no longer in the group are
deleted. `benchmarks.against_script` measures it. It is no part of the product, and does much less: it keeps no marker,
knows no deleted users, and takes every answer for the truth.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.groups.item.members.members_request_builder import MembersRequestBuilder
from msgraph.generated.models.invitation import Invitation
from msgraph.generated.models.reference_update import ReferenceUpdate
from msgraph.generated.models.user import User
from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder
from msgraph.generated.users.users_request_builder import UsersRequestBuilder

if TYPE_CHECKING:
    from msgraph import GraphServiceClient

COMPANY: Final = "Contoso US"
_MAPPED: Final = {  # the SDK's name for each attribute that follows, and Graph's
    "display_name": "displayName",
    "given_name": "givenName",
    "surname": "surname",
    "job_title": "jobTitle",
    "department": "department",
    "employee_id": "employeeId",
    "office_location": "officeLocation",
    "street_address": "streetAddress",
    "city": "city",
    "state": "state",
    "postal_code": "postalCode",
    "country": "country",
    "business_phones": "businessPhones",
    "preferred_language": "preferredLanguage",
}
_SELECT: Final = ["id", "mail", "accountEnabled", *_MAPPED.values()]
_SELECT_IN_TARGET: Final = [*_SELECT, "companyName", "showInAddressList"]


@dataclass(slots=True)
class Script:
    """One run from the source to the target."""

    source: GraphServiceClient
    target: GraphServiceClient
    root: str  # Graph's address with its version, for references
    done: Counter[str] = field(default_factory=Counter)
    _target_ids: dict[str, str] = field(default_factory=dict)  # by source id
    _managers: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)  # wanted (source id), and present

    async def run(self, group_id: str) -> Counter[str]:
        """Bring everybody in the group into the target; what was done how often."""
        addresses = set()
        for user_id in await self._member_ids(group_id):
            person = await self._person(user_id)
            addresses.add(str(person.mail).lower())
            await self._bring(person)
        await self._set_managers()
        await self._remove_leavers(addresses)
        return self.done

    async def _member_ids(self, group_id: str) -> list[str]:
        query = MembersRequestBuilder.MembersRequestBuilderGetQueryParameters(select=["id"], top=999)
        members = self.source.groups.by_group_id(group_id).members
        page = await members.get(request_configuration=RequestConfiguration(query_parameters=query))
        ids: list[str] = []
        while page is not None:
            ids += [str(member.id) for member in page.value or [] if isinstance(member, User)]
            page = await members.with_url(page.odata_next_link).get() if page.odata_next_link else None
        return ids

    async def _person(self, user_id: str) -> User:
        query = UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(select=_SELECT, expand=["manager"])
        configuration: RequestConfiguration[Any] = RequestConfiguration(query_parameters=query)
        person = await self.source.users.by_user_id(user_id).get(request_configuration=configuration)
        if person is None:
            raise LookupError(user_id)
        return person

    async def _bring(self, person: User) -> None:
        guest = await self._guest(str(person.mail))
        if guest is None:
            guest = await self._invite(person)
        self._target_ids[str(person.id)] = str(guest.id)
        self._managers[str(person.id)] = (
            person.manager.id if person.manager else None,
            guest.manager.id if guest.manager else None,
        )
        changes = _changes(person, guest)
        if changes is None:
            self.done["unchanged"] += 1
            return
        await self.target.users.by_user_id(str(guest.id)).patch(changes)
        self.done["updated"] += 1

    async def _guest(self, address: str) -> User | None:
        text = address.replace("'", "''")
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
            filter=f"mail eq '{text}'", select=_SELECT_IN_TARGET, expand=["manager"]
        )
        found = await self.target.users.get(request_configuration=RequestConfiguration(query_parameters=query))
        return found.value[0] if found is not None and found.value else None

    async def _invite(self, person: User) -> User:
        invitation = await self.target.invitations.post(
            Invitation(
                invited_user_email_address=person.mail,
                invited_user_display_name=person.display_name,
                invited_user_type="Member",
                invite_redirect_url="https://myapps.microsoft.com",
                send_invitation_message=False,
            )
        )
        if invitation is None or invitation.invited_user is None:
            raise LookupError(person.id)
        self.done["invited"] += 1
        return invitation.invited_user

    async def _set_managers(self) -> None:
        for source_id, (wanted, present) in self._managers.items():
            manager_id = self._target_ids.get(wanted) if wanted else None
            manager = self.target.users.by_user_id(self._target_ids[source_id]).manager.ref
            if manager_id is not None and manager_id != present:
                await manager.put(ReferenceUpdate(odata_id=f"{self.root}/users/{manager_id}"))
                self.done["managers set"] += 1
            elif wanted is None and present is not None:
                await manager.delete()
                self.done["managers cleared"] += 1

    async def _remove_leavers(self, addresses: set[str]) -> None:
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
            filter="creationType eq 'Invitation'", select=["id", "mail"], top=999
        )
        page = await self.target.users.get(request_configuration=RequestConfiguration(query_parameters=query))
        while page is not None:
            for guest in page.value or []:
                if str(guest.mail).lower() not in addresses:
                    await self.target.users.by_user_id(str(guest.id)).delete()
                    self.done["deleted"] += 1
            page = await self.target.users.with_url(page.odata_next_link).get() if page.odata_next_link else None


def _changes(person: User, guest: User) -> User | None:
    """What has to be written to the guest; None where nothing has."""
    wanted = {name: getattr(person, name) for name in _MAPPED}
    wanted |= {"account_enabled": person.account_enabled, "company_name": COMPANY, "show_in_address_list": True}
    differing = {name: value for name, value in wanted.items() if (getattr(guest, name) or None) != (value or None)}
    if not differing:
        return None
    changes = User()
    for name, value in differing.items():
        setattr(changes, name, value)
    return changes
