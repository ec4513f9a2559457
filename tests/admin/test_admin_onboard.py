"""`onboard`: two tenants that know nothing of each other, and administrators who let people pass."""

from __future__ import annotations

import json
import os

import pytest
import pytest_asyncio
from admin_terminal import NO_LAG, Terminal

from sandbox.story.cloud import Cloud
from sandbox.tenants.config_file import parse
from sandbox.tenants.contoso import APAC_TENANT_ID, EMEA_TENANT_ID, SOURCE_TENANT_ID, default_document
from sandbox.tenants.server import TenantsServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

PARTNERS = "/policies/crossTenantAccessPolicy/partners"
ROLES = ["Policy.ReadWrite.CrossTenantAccess", "Policy.Read.All", "Organization.Read.All"]


class Onboarding(Terminal):
    """The terminal of an administrator of one of the tenants."""

    async def token(self, tenant, roles=ROLES):
        """A file with a token of somebody who may do so much in a tenant."""
        issued = await self.cloud.control("POST", "tokens", {"tenant": tenant, "roles": roles})
        file = self.settings.parent / f"{tenant}-{len(roles)}.token"
        file.write_text(issued["access_token"])
        return file

    async def onboard(self, *arguments, token, yes=True):
        more = ("--yes",) if yes else ()
        return await self.run("onboard", *arguments, *more, "--token-file", token, "--settings", self.settings)

    @property
    def graph(self):
        """Where the settings say that Graph is."""
        return json.loads(self.settings.read_text())["Values"]["GRAPH_ENDPOINT"]

    async def entry(self, tenant, partner):
        """What a tenant's settings say of another; None where there is nothing."""
        found = await self.cloud.graph(tenant, "GET", PARTNERS)
        return next((each for each in found["value"] if each["tenantId"] == partner), None)


@pytest_asyncio.fixture(loop_scope="module")
async def admin(tls_dir, tmp_path):
    """Tenants without any agreement."""
    document = default_document() | {"replicas": NO_LAG, "automaticRedemption": []}
    tenants = TenantsServer(parse(document), seed=1, tls_dir=tls_dir)
    await tenants.start()
    ready = tenants.describe()
    values = {"GRAPH_ENDPOINT": ready["login"], "AZURE_AUTHORITY_HOST": ready["login"]}
    settings = tmp_path / "local.settings.json"
    settings.write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    async with Cloud(ready) as cloud:
        yield Onboarding(cloud, settings)
    await tenants.stop()


async def test_a_target_lets_the_source_in_and_twice_changes_nothing(admin):
    """Shown before it is done; the second time, everything is as it should be."""
    token = await admin.token("emea")
    code, out, err = await admin.onboard("target", "emea", "--trust-mfa", token=token)
    assert (code, err) == (0, "")
    assert "Redeem invitations automatically: off → on" in out
    assert "Trust the multifactor authentication of the source: off → on" in out
    assert "15 minutes" in out
    entry = await admin.entry("emea", SOURCE_TENANT_ID)
    assert entry["automaticUserConsentSettings"]["inboundAllowed"] is True
    assert entry["inboundTrust"]["isMfaAccepted"] is True
    code, out, _ = await admin.onboard("target", "emea", "--trust-mfa", token=token)
    assert code == 0
    assert "as it should be" in out
    assert "15 minutes" not in out


async def test_the_source_lets_people_go_to_every_target(admin):
    """One entry for each; people are redeemed by themselves from then on."""
    await admin.onboard("target", "emea", token=await admin.token("emea"))
    await admin.onboard("target", "apac", token=await admin.token("apac"))
    code, out, _ = await admin.onboard("source", "--json", token=await admin.token("source"))
    assert code == 0
    assert [change["partnerTenantId"] for change in json.loads(out)] == [EMEA_TENANT_ID, APAC_TENANT_ID]
    for target in (EMEA_TENANT_ID, APAC_TENANT_ID):
        entry = await admin.entry("source", target)
        assert entry["automaticUserConsentSettings"]["outboundAllowed"] is True


async def test_whoever_is_signed_in_to_the_azure_cli_can_do_it(admin, tmp_path, monkeypatch):
    """It is asked for a token for Graph as a whole: it knows no single permissions."""
    token = (await admin.token("emea")).read_text()
    cli = tmp_path / "az"
    answer = json.dumps({"accessToken": token, "expires_on": 4102444800, "tokenType": "Bearer"})
    cli.write_text(f"#!/bin/sh\necho \"$@\" > {tmp_path}/asked\ncat <<'END'\n{answer}\nEND\n")
    cli.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    arguments = ("onboard", "target", "emea", "--sign-in", "cli", "--yes", "--settings", admin.settings)
    code, out, err = await admin.run(*arguments)
    assert (code, err) == (0, "")
    assert "off → on" in out
    asked = (tmp_path / "asked").read_text().split()
    assert asked[asked.index("--resource") + 1] == admin.graph
    assert asked[asked.index("--tenant") + 1] == EMEA_TENANT_ID


async def test_it_can_be_undone(admin):
    """Off again, and the rest stays."""
    token = await admin.token("emea")
    await admin.onboard("target", "emea", token=token)
    code, out, _ = await admin.onboard("target", "emea", "--undo", token=token)
    assert code == 0
    assert "on → off" in out
    assert (await admin.entry("emea", SOURCE_TENANT_ID))["automaticUserConsentSettings"]["inboundAllowed"] is False


async def test_nothing_is_changed_without_a_yes(admin):
    """No answer is no."""
    code, _, err = await admin.onboard("target", "emea", token=await admin.token("emea"), yes=False)
    assert code == 1
    assert "Traceback" not in err
    assert await admin.entry("emea", SOURCE_TENANT_ID) is None


async def test_somebody_who_is_signed_in_elsewhere_is_told(admin):
    """With both tenants named; nothing is changed in either."""
    code, _, err = await admin.onboard("target", "emea", token=await admin.token("apac"))
    assert code == 2
    assert APAC_TENANT_ID in err
    assert EMEA_TENANT_ID in err
    assert await admin.entry("apac", SOURCE_TENANT_ID) is None


async def test_somebody_who_may_not_is_told_which_role_does(admin):
    """Reading the organization is not enough."""
    code, _, err = await admin.onboard("target", "emea", token=await admin.token("emea", ["Organization.Read.All"]))
    assert code == 1
    assert "Security Administrator" in err
    assert "Traceback" not in err


async def test_a_target_that_is_none_is_a_mistake(admin):
    """The targets are named."""
    code, _, err = await admin.onboard("target", "mars", token=await admin.token("emea"))
    assert (code, err) == (2, "mars is no target; targets: emea, apac\n")


async def test_a_block_is_not_lifted_by_the_way(admin):
    """Whoever blocked all of the source's people meant something by it."""
    token = await admin.token("emea")
    await admin.onboard("target", "emea", "--undo", token=token)
    everybody = {"accessType": "blocked", "targets": [{"target": "AllUsers", "targetType": "user"}]}
    entry = {"tenantId": SOURCE_TENANT_ID, "b2bCollaborationInbound": {"usersAndGroups": everybody}}
    await admin.cloud.graph("emea", "POST", PARTNERS, entry)
    code, _, err = await admin.onboard("target", "emea", token=token)
    assert code == 1
    assert "block" in err


async def test_a_block_by_default_is_seen_too(admin):
    """In a tenant that lets nobody in whom it does not name; an entry that allows them is enough."""
    everybody = [{"target": "AllUsers", "targetType": "user"}]
    blocked = {"usersAndGroups": {"accessType": "blocked", "targets": everybody}}
    policy = "/policies/crossTenantAccessPolicy/default"
    await admin.cloud.graph("emea", "PATCH", policy, {"b2bCollaborationInbound": blocked})
    token = await admin.token("emea")
    code, _, err = await admin.onboard("target", "emea", token=token)
    assert code == 1
    assert f"the default settings of {EMEA_TENANT_ID} block" in err
    assert await admin.entry("emea", SOURCE_TENANT_ID) is None
    allowed = {"usersAndGroups": {"accessType": "allowed", "targets": everybody}}
    entry = {"tenantId": SOURCE_TENANT_ID, "b2bCollaborationInbound": allowed}
    await admin.cloud.graph("emea", "POST", PARTNERS, entry)
    code, _, err = await admin.onboard("target", "emea", token=token)
    assert (code, err) == (0, "")


async def test_what_the_default_trusts_is_still_trusted(admin):
    """An entry's trust goes before all of the default's, so it takes over what was in effect."""
    policy = "/policies/crossTenantAccessPolicy/default"
    await admin.cloud.graph("emea", "PATCH", policy, {"inboundTrust": {"isCompliantDeviceAccepted": True}})
    await admin.onboard("target", "emea", "--trust-mfa", token=await admin.token("emea"))
    trust = (await admin.entry("emea", SOURCE_TENANT_ID))["inboundTrust"]
    assert trust == {"isCompliantDeviceAccepted": True, "isMfaAccepted": True}


async def test_the_target_consents_to_the_writer_too(admin):
    """Where its client id is given; the second time there is nothing to consent to."""
    made = await admin.cloud.graph("source", "POST", "/applications", {"displayName": "Crosstenant writer"})
    roles = [*ROLES, "Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"]
    token = await admin.token("emea", roles)
    arguments = ("target", "emea", "--writer", made["appId"])
    code, out, err = await admin.onboard(*arguments, token=token)
    assert (code, err) == (0, "")
    assert "consent to User.Invite.All of Crosstenant writer" in out
    code, out, err = await admin.onboard(*arguments, "--json", token=token)
    assert (code, err) == (0, "")
    assert [each["consented"] for each in json.loads(out)] == [[]]
    found = await admin.cloud.graph("emea", "GET", f"/servicePrincipals?$filter=appId eq '{made['appId']}'")
    path = f"/servicePrincipals/{found['value'][0]['id']}/appRoleAssignments"
    assert len((await admin.cloud.graph("emea", "GET", path))["value"]) == 2
    code, _, err = await admin.onboard(*arguments, "--undo", token=token)
    assert code == 2
    assert "Enterprise applications" in err


async def test_a_writer_that_may_not_be_consented_to_changes_nothing(admin):
    """An administrator without that right, and an app that nobody knows, come before the settings."""
    stranger = "99999999-0000-4000-8000-000000000009"
    for roles, says in ((ROLES, "Privileged Role Administrator"), ([*ROLES, "Application.ReadWrite.All"], "Graph")):
        token = await admin.token("apac", roles)
        code, _, err = await admin.onboard("target", "apac", "--writer", stranger, token=token)
        assert code == 1
        assert says in err
        assert await admin.entry("apac", SOURCE_TENANT_ID) is None
