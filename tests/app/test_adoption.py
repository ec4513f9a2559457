"""Adoption by the configured precedence, and what must not be adopted."""

from __future__ import annotations

import dataclasses

import pytest

from sandbox.tenants.directory.model import Kind as ObjectKind
from shared.core.model import LinkState

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADELE = "Adele V. (guest)"


def match_by(app, *precedence):
    """Configure the matching of EMEA."""
    hands = app.parts.targets["emea"]
    target = dataclasses.replace(
        hands.target, matching=precedence, policy=dataclasses.replace(hands.target.policy, adopt=bool(precedence))
    )
    app.parts = dataclasses.replace(
        app.parts, targets={**app.parts.targets, "emea": dataclasses.replace(hands, target=target)}
    )


def set_in_directory(app, tenant, user_id, **properties):
    """Change what Graph would not let anybody write."""
    directory = app.tenants.cloud.world.tenants[tenant].directory
    directory.update(directory.live(user_id, ObjectKind.USER), properties, "test")


async def named(app, name, tenant="emea"):
    [user] = [user for user in await app.cloud.users(tenant) if user["displayName"] == name]
    return user


async def test_a_guest_is_adopted_by_any_mapped_attribute(app):
    """The personnel number names the same person, whatever the addresses are."""
    match_by(app, "employeeId")
    guest = await named(app, ADELE)
    [patti] = await app.join("PattiF")
    await app.change(guest["id"], tenant="emea", employeeId="P-77")
    await app.change(patti, employeeId="p-77")
    await app.serve(patti)
    assert (await app.in_target(patti))["id"] == guest["id"]


@pytest.mark.parametrize("loss", [{}, {"apply": True}], ids=["not written", "answer lost"])
async def test_an_adoption_that_fails_at_first_is_an_adoption_still(app, loss):
    """A guest who was there before us is not finished like somebody whom we invited: they stay a guest."""
    guest = await named(app, ADELE)
    [adele] = await app.join("AdeleV")
    await app.fault(tenant="emea", operation="PATCH /users/{id}", status=504, count=1, **loss)
    await app.serve(adele)
    await app.serve(adele)
    found = await app.in_target(adele)
    assert (found["id"], found["userType"]) == (guest["id"], "Guest")
    assert (await app.link(adele)).state is LinkState.ACTIVE


async def test_the_first_attribute_of_the_precedence_wins(app):
    """Two guests match one person by different attributes: the order decides, and the other is left alone."""
    match_by(app, "employeeId", "mail")
    by_mail = await named(app, ADELE)
    body = {
        "invitedUserEmailAddress": "somebody@fabrikam.com",
        "inviteRedirectUrl": "https://myapps.microsoft.com",
        "invitedUserDisplayName": "Somebody",
    }
    by_number = (await app.cloud.graph("emea", "POST", "/invitations", body))["invitedUser"]["id"]
    await app.change(by_number, tenant="emea", employeeId="P-1")
    [adele] = await app.join("AdeleV")
    await app.change(adele, employeeId="P-1")
    await app.serve(adele)
    assert (await app.in_target(adele))["id"] == by_number
    assert await named(app, ADELE) == by_mail


async def test_without_adoption_nobody_is_taken_over_by_an_invitation(app):
    """Entra would answer the invitation with the guest who has the address; so there is none, and a hold."""
    match_by(app)
    guest = await named(app, ADELE)
    [adele] = await app.join("AdeleV")
    await app.serve(adele)
    assert await named(app, ADELE) == guest
    link = await app.link(adele)
    assert (link.state, link.reason) == (LinkState.HELD, "adoptionNotAllowed")
    assert await app.writes() == 0


async def test_a_collision_by_an_attribute_that_is_not_configured_is_held_too(app):
    """Adoption is allowed by personnel number alone; the guest has the address and no number."""
    match_by(app, "employeeId")
    guest = await named(app, ADELE)
    [adele] = await app.join("AdeleV")
    await app.serve(adele)
    assert await named(app, ADELE) == guest
    assert (await app.link(adele)).reason == "adoptionNotAllowed"


async def test_a_secondary_address_of_an_employee_holds(app):
    """An address that only stands among the proxy addresses is found as well."""
    enrico = await named(app, "Enrico Cattaneo")
    [patti] = await app.join("PattiF")
    proxies = [*enrico["proxyAddresses"], "smtp:PattiF@contoso.com"]
    set_in_directory(app, "emea", enrico["id"], proxyAddresses=proxies)
    await app.serve(patti)
    assert (await app.link(patti)).reason == "internalUser"
    assert await app.writes() == 0


@pytest.mark.parametrize("number", ["O'Neil", "50%", "a#b", "ünï 漢", "x' or mail ne '", "a&b=c", "a+b"])
async def test_whatever_a_value_holds_it_stays_a_value(app, number):
    """Quotes, signs with a meaning in addresses, other scripts: the one with that very value is found, nobody else."""
    match_by(app, "employeeId")
    guest = await named(app, ADELE)
    await app.change(guest["id"], tenant="emea", employeeId=number)
    [patti, miriam] = await app.join("PattiF", "MiriamG")
    await app.change(patti, employeeId=number)
    await app.change(miriam, employeeId="another")
    await app.serve(patti, miriam)
    assert (await app.in_target(patti))["id"] == guest["id"]
    assert (await app.in_target(miriam))["id"] != guest["id"]


async def test_more_criteria_than_one_filter_takes_are_asked_in_several(app):
    """Fifteen clauses a request: the last of many attributes still matches."""
    match_by(app, "employeeId", "city", "state", "country", "department", "jobTitle", "companyName", "postalCode",
             "streetAddress", "officeLocation", "preferredLanguage", "givenName")  # fmt: skip
    guest = await named(app, ADELE)
    await app.change(guest["id"], tenant="emea", givenName="Pattissima")
    [patti] = await app.join("PattiF")
    await app.change(
        patti, givenName="Pattissima", employeeId="1", city="Nowhere", state="None", country="Atlantis",
        department="Void", jobTitle="Nobody", postalCode="0", streetAddress="-", officeLocation="-",
        preferredLanguage="tlh",
    )  # fmt: skip
    await app.serve(patti)
    assert (await app.in_target(patti))["id"] == guest["id"]
