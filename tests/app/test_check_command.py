"""`check`: a preflight over the wire, with the app's own identity; what fails names its fix."""

from __future__ import annotations

import json
import ssl
from datetime import timedelta

import pytest
import pytest_asyncio
from running_app import GROUP

from sandbox.monitor.server import IngestionServer, LoginService
from sandbox.monitor.service import RULE_ID, Monitor
from sandbox.monitor.tables.store import Store
from shared.core.model import SubscriptionRecord

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIGN_IN = "the writer app may sign in, with its permissions"
REDEMPTION = "invitations are redeemed automatically"


@pytest_asyncio.fixture(loop_scope="module")
async def subscribed(app):
    """Both subscriptions live for a day."""
    for record in await app.parts.store.get_subscriptions():
        await app.parts.store.delete_subscription(record.resource)
    for resource in ("/users", "/groups"):
        ends = app.clock.now() + timedelta(days=1)
        await app.parts.store.put_subscription(SubscriptionRecord(resource, "state", "https://here", "id", ends))


async def checked(terminal):
    """Exit code, and the lines that do not pass, by where and what."""
    code, out, err = await terminal("check", "--json")
    assert "Traceback" not in err
    lines = json.loads(out)
    assert len(lines) > 10
    return code, {(line["where"], line["what"]): line for line in lines if line["verdict"] != "pass"}


@pytest.mark.usefixtures("subscribed")
async def test_an_app_that_has_all_it_needs(terminal):
    """Nothing fails; what the app may not see is unknown, with the command that shows it."""
    code, rest = await checked(terminal)
    assert code == 0
    assert {line["verdict"] for line in rest.values()} == {"unknown"}
    for place in ("target emea", "target apac", "source"):
        where = place.rpartition(" ")[2]
        fixes = {line["fix"] for line in rest.values() if line["where"] == where}
        assert fixes == {f"as its administrator: python -m admin check {place}"}
    assert {what for where, what in rest if where == "emea"} == {
        "the writer app is consented to",
        REDEMPTION,
        "B2B collaboration lets people in from the source",
        "an app may invite",
        "the source's mail domains may be invited",
        "the tenant has room for more users",
    }
    assert ("source", "invitations to apac are redeemed automatically") in rest


@pytest.mark.usefixtures("subscribed")
async def test_a_consent_that_is_missing_fails_in_its_target_alone(app, terminal):
    """Told from one that lacks a permission."""
    await app.cloud.control("POST", "consents", {"tenant": "emea", "app": "writer", "revoke": True})
    await app.cloud.control("POST", "consents", {"tenant": "apac", "app": "writer", "roles": ["User.ReadWrite.All"]})
    code, rest = await checked(terminal)
    assert code == 1
    assert rest["emea", SIGN_IN]["verdict"] == "fail"
    assert rest["apac", SIGN_IN]["found"] == "without User.Invite.All"
    assert "consent to the writer app: python -m admin onboard target apac --writer" in rest["apac", SIGN_IN]["fix"]
    assert "up to an hour" in rest["apac", SIGN_IN]["fix"]


async def test_a_scoping_group_and_subscriptions_that_are_not_there(app, terminal):
    """Each with what to do."""
    for record in await app.parts.store.get_subscriptions():
        await app.parts.store.delete_subscription(record.resource)
    await app.cloud.graph("source", "DELETE", f"/groups/{GROUP}")
    code, rest = await checked(terminal)
    assert code == 1
    assert rest["source", f"scoping group {GROUP} can be read"]["verdict"] == "fail"
    assert rest["source", "changes are told by notifications"]["found"] == "0 of 2 subscriptions live"


@pytest.mark.usefixtures("subscribed")
async def test_trouble_that_passes_is_no_answer(app, terminal):
    """A service that is away for a moment says nothing of the rights."""
    await app.fault(tenant="emea", operation="GET /users", status=503)
    code, rest = await checked(terminal)
    assert rest["emea", "users can be read"]["verdict"] == "unknown"
    assert code == 0


@pytest.mark.usefixtures("subscribed")
async def test_trouble_with_the_marker_alone_is_no_answer_either(app, terminal):
    """The first look at users went well, and the one with the marker's property did not."""
    await app.fault(tenant="emea", operation="GET /users", count=1)  # the first is answered as usual
    await app.fault(tenant="emea", operation="GET /users", status=503)
    code, rest = await checked(terminal)
    assert ("emea", "users can be read") not in rest
    assert rest["emea", "the marker's property is known"]["verdict"] == "unknown"
    assert code == 0


@pytest.mark.usefixtures("subscribed")
async def test_in_words_each_line_that_does_not_pass_has_its_fix(terminal):
    """For people: verdict, place, and an arrow to what to do."""
    code, out, _ = await terminal("check")
    assert code == 0
    assert "pass    source: the reader app may sign in, with its permissions" in out
    assert "→ as its administrator: python -m admin check target emea" in out


@pytest_asyncio.fixture(loop_scope="module")
async def logs(servers, tls_dir, settings_of):
    """A monitor that takes the logs of this app; its store."""
    addresses = servers[0].describe()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls_dir / "server.pem", tls_dir / "server.key")
    store = Store()
    server = IngestionServer(Monitor(store), context, LoginService(addresses["login"], tls_dir / "ca.pem"))
    settings_of(LOGS_INGESTION_ENDPOINT=await server.start(), LOGS_RULE_ID=RULE_ID)
    yield store
    await server.stop()


PROVISIONING = "rows of CrosstenantProvisioning_CL are taken"


@pytest.mark.usefixtures("subscribed", "logs")
async def test_logs_that_are_taken(terminal):
    """Asked without a row; what the app may not look at is unknown, with the command that shows it."""
    code, rest = await checked(terminal)
    assert code == 0
    assert ("app", PROVISIONING) not in rest
    assert "az monitor log-analytics workspace table list" in rest["app", "the tables of the logs are there"]["fix"]
    assert "Microsoft.Insights/workbooks" in rest["app", "the workbook is there"]["fix"]


@pytest.mark.usefixtures("subscribed", "logs")
async def test_a_rule_that_is_another(terminal, settings_of):
    """Told from a role that is missing, which takes its time."""
    settings_of(LOGS_RULE_ID="dcr-00000000000000000000000000000000")
    code, rest = await checked(terminal)
    assert code == 1
    assert (rest["app", PROVISIONING]["verdict"], rest["app", PROVISIONING]["found"]) == ("fail", "404 NotFound")
    assert "LOGS_RULE_ID" in rest["app", PROVISIONING]["fix"]
