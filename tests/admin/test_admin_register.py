"""`register`: from a source tenant without any app registration to a token that reads its people."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from admin_terminal import NO_LAG, ROOT, Terminal

from admin.sign_in import person_from
from sandbox.story.cloud import Cloud
from sandbox.tenants.config_file import parse
from sandbox.tenants.contoso import default_document
from sandbox.tenants.server import TenantsServer
from shared.app.administrator import Administrator, RefusedError
from shared.app.register import RIGHTS, Wanted, bring
from shared.config.sync_file import read_sync_file
from shared.core.registrations import READER, WRITER
from shared.graph.client import GraphClient, GraphRequest
from shared.graph.credentials import FederatedCredential, ManagedIdentityAssertion
from shared.graph.transport import GraphTransport

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROLES = ["Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "Organization.Read.All"]


class Registering(Terminal):
    """The terminal of an administrator of the source."""

    tenants: TenantsServer

    async def register(self, *arguments, tenant="source", roles=ROLES, yes=True):
        issued = await self.cloud.control("POST", "tokens", {"tenant": tenant, "roles": roles})
        token = self.settings.parent / "administrator.token"
        token.write_text(issued["access_token"])
        more = ("--yes",) if yes else ()
        return await self.run("register", *arguments, *more, "--token-file", token, "--settings", self.settings)

    async def apps(self):
        """The registrations by what they are called."""
        found = (await self.cloud.graph("source", "GET", "/applications"))["value"]
        return {each["displayName"]: each for each in found}


@pytest_asyncio.fixture(loop_scope="module")
async def admin(tls_dir, tmp_path):
    """A cloud in which nobody has heard of the app."""
    document = default_document() | {"replicas": NO_LAG, "automaticRedemption": []}
    for name in ("apps", "consents"):
        document[name] = [each for each in document[name] if "admin-test" in (each.get("name"), each.get("app"))]
    tenants = TenantsServer(parse(document), seed=1, tls_dir=tls_dir)
    await tenants.start()
    ready = tenants.describe()
    values = {"GRAPH_ENDPOINT": ready["login"], "AZURE_AUTHORITY_HOST": ready["login"]}
    settings = tmp_path / "local.settings.json"
    settings.write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    async with Cloud(ready) as cloud:
        terminal = Registering(cloud, settings)
        terminal.tenants = tenants
        yield terminal
    await tenants.stop()


async def test_both_are_made_and_the_second_time_nothing_is_changed(admin):
    """With permissions, the marker, and consent where the source gives it; the client ids are settings to take over."""
    code, out, err = await admin.register()
    assert (code, err) == (0, "")
    assert "register the app Crosstenant reader" in out
    assert "consent to Group.Read.All of Crosstenant reader" in out
    assert "extension attribute crosstenantSource" in out
    apps = await admin.apps()
    reader, writer = apps["Crosstenant reader"], apps["Crosstenant writer"]
    assert f"READER_CLIENT_ID={reader['appId']}\nWRITER_CLIENT_ID={writer['appId']}\n" in out
    assert (reader["signInAudience"], writer["signInAudience"]) == ("AzureADMyOrg", "AzureADMultipleOrgs")
    path = f"/applications/{writer['id']}/extensionProperties"
    [marker] = (await admin.cloud.graph("source", "GET", path))["value"]
    assert marker["name"] == f"extension_{writer['appId'].replace('-', '')}_crosstenantSource"
    code, out, err = await admin.register("--json", yes=False)  # nobody is asked, for nothing is to be done
    assert (code, err) == (0, "")
    assert [(each["clientId"], each["changed"]) for each in json.loads(out)] == [
        (reader["appId"], []),
        (writer["appId"], []),
    ]
    assert await admin.apps() == apps


async def test_the_managed_identity_vouches_for_both_and_the_reader_reads(admin, monkeypatch):
    """After the deployment; from then on the app's own credentials get a token without a secret."""
    ready = admin.tenants.describe()
    identity = ready["managedIdentity"]
    await admin.register()
    more = ("--managed-identity", identity["principalId"], "--host", "app.example.net")
    code, out, err = await admin.register(*more)
    assert (code, err) == (0, "")
    assert out.count(f"let the managed identity {identity['principalId']} vouch for it") == 2
    assert "correct where Entra leads back to after the consent" in out
    assert (await admin.register(*more))[1].count("as it should be") == 2
    monkeypatch.setenv("IDENTITY_ENDPOINT", ready["identityEndpoint"])
    monkeypatch.setenv("IDENTITY_HEADER", ready["identityHeader"])
    async with FederatedCredential(
        tenant_id=ready["tenants"]["source"]["id"],
        client_id=(await admin.apps())["Crosstenant reader"]["appId"],
        authority=ready["login"],
        assertion=ManagedIdentityAssertion(identity["clientId"], "api://AzureADTokenExchange"),
    ) as credential:
        graph = ready["login"]
        client = GraphClient(graph, lambda: GraphTransport(graph, credential), lambda: datetime.now(UTC))
        read = await client.send(GraphRequest("GET", "/users/NestorW@contoso.com"))
        assert read.body["displayName"] == "Nestor Wilke"
        assert await client.roles() == {"User.Read.All", "Group.Read.All"}
        await client.close()


async def test_another_identity_takes_the_place_of_the_one_before(admin):
    """Both are named, for whoever agrees to it."""
    before, after = "11111111-0000-4000-8000-000000000001", "22222222-0000-4000-8000-000000000002"
    await admin.register("--managed-identity", before)
    code, out, _ = await admin.register("--managed-identity", after)
    assert code == 0
    assert f"let the managed identity {after} vouch for it, and no longer {before}" in out
    path = f"/applications/{(await admin.apps())['Crosstenant writer']['id']}/federatedIdentityCredentials"
    [held] = (await admin.cloud.graph("source", "GET", path))["value"]
    assert held["subject"] == after


async def test_nothing_is_made_without_a_yes(admin):
    """No answer is no."""
    before = await admin.apps()
    code, out, err = await admin.register(yes=False)
    assert code == 1
    assert "register the app Crosstenant writer" in out
    assert "Traceback" not in err
    assert await admin.apps() == before


@pytest.mark.parametrize(
    ("arguments", "given", "code", "says"),
    [
        ((), {"tenant": "emea"}, 2, "you are signed in to emea"),
        ((), {"roles": ["Organization.Read.All"]}, 1, "Application Administrator"),
        (("--managed-identity", "mine"), {}, 2, "'mine' is no object id"),
    ],
)
async def test_what_is_wrong_is_told_apart(admin, arguments, given, code, says):
    """Wrong tenant, missing role, no id; nothing is made."""
    before = await admin.apps()
    found, _, err = await admin.register(*arguments, **given)
    assert found == code
    assert says in err
    assert "Traceback" not in err
    assert await admin.apps() == before


async def test_two_of_one_name_are_a_persons_to_sort_out(admin):
    """Both are named."""
    made = [
        await admin.cloud.graph("source", "POST", "/applications", {"displayName": "Crosstenant reader"})
        for _ in range(2)
    ]
    code, _, err = await admin.register()
    assert code == 1
    assert all(each["appId"] in err for each in made)


@pytest_asyncio.fixture(loop_scope="module")
async def slow(tls_dir, tmp_path):
    """An administrator of a source whose nine replicas hear of a new object 20 seconds later, all but one of them."""
    lag = {"count": 9, "medianSeconds": 20, "p99Seconds": 20}
    tenants = TenantsServer(parse(default_document() | {"replicas": lag}), seed=1, tls_dir=tls_dir)
    await tenants.start()
    ready = tenants.describe()
    async with Cloud(ready) as cloud:
        token = tmp_path / "administrator.token"
        token.write_text((await cloud.control("POST", "tokens", {"tenant": "source", "roles": ROLES}))["access_token"])
        person = person_from(token)
        client = GraphClient(ready["login"], lambda: GraphTransport(ready["login"], person), lambda: datetime.now(UTC))
        source = read_sync_file(ROOT / "sync.yaml").source
        yield lambda sleep: Administrator(client, source, RIGHTS, sleep=sleep), cloud
        await client.close()
    await tenants.stop()


WANTED = Wanted("https://issuer", "api://audience", "70000000-0000-4000-8000-000000000007", None)


@pytest.mark.parametrize("registration", [READER, WRITER])
async def test_what_was_just_made_is_waited_for(slow, registration):
    """Marker, federation, principal and consent follow one another, each on replicas that may not know the last."""
    signed_in, cloud = slow
    slept = []

    async def sleep(seconds):
        slept.append(seconds)
        await cloud.control("POST", "clock", {"advance": seconds})

    brought = await bring(signed_in(sleep), registration, WANTED, act=True)
    assert brought.client_id is not None
    assert slept[:3] == [1, 2, 4]
    await cloud.control("POST", "clock", {"advance": 60})
    assert (await bring(signed_in(sleep), registration, WANTED, act=False)).steps == []


async def test_what_does_not_come_is_not_waited_for_without_end(slow):
    """A minute; then running it again does the rest."""
    signed_in, _ = slow
    slept = []

    async def sleep(seconds):
        slept.append(seconds)  # and no time passes

    with pytest.raises(RefusedError, match="running this again does the rest"):
        await bring(signed_in(sleep), WRITER, WANTED, act=True)
    assert slept[-6:] == [1, 2, 4, 8, 15, 30]
