"""`check source` and `check target`: what an administrator sees beside the app, and what it explains."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pytest
import pytest_asyncio
from admin_terminal import NO_LAG, ROOT, Terminal

from sandbox.story.cloud import Cloud
from sandbox.tenants.config_file import parse
from sandbox.tenants.contoso import (
    APAC_TENANT_ID,
    EMEA_TENANT_ID,
    SOURCE_TENANT_ID,
    WRITER_APP_ID,
    default_document,
)
from sandbox.tenants.server import TenantsServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

READER_ROLES = ["Policy.Read.All", "Organization.Read.All", "Application.Read.All"]
ONBOARDING = [
    *READER_ROLES,
    "Policy.ReadWrite.CrossTenantAccess",
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
]
DEPLOY = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
EVERYBODY = [{"target": "AllUsers", "targetType": "user"}]

SIGNED_IN = "an administrator is signed in"
AS_APP = "the writer app may sign in, with its permissions"
CONSENT = "the writer app is consented to"
REDEMPTION = "invitations are redeemed automatically"
COLLABORATION = "B2B collaboration lets people in from the source"
INVITING = "an app may invite"
DOMAINS = "the source's mail domains may be invited"
ROOM = "the tenant has room for more users"
OF_ADMINISTRATORS = {CONSENT, REDEMPTION, COLLABORATION, INVITING, DOMAINS, ROOM}


@dataclass
class Desk(Terminal):
    """The terminal of an administrator, with and without the settings of the app."""

    bare: object = None

    async def token(self, tenant, roles=READER_ROLES):
        """A file with a token of somebody who may do so much in a tenant."""
        issued = await self.cloud.control("POST", "tokens", {"tenant": tenant, "roles": roles})
        file = self.settings.parent / f"{tenant}-{len(roles)}.token"
        file.write_text(issued["access_token"])
        return file

    async def check(self, *place, token, settings=None):
        """Exit code, and all lines by where and what."""
        given = ("--json", "--token-file", token, "--settings", settings or self.settings)
        code, out, err = await self.run("check", *place, *given)
        assert err == ""
        lines = json.loads(out)
        found = {(line["where"], line["what"]): line for line in lines}
        assert len(found) == len(lines)
        assert all(line["fix"] for line in lines if line["verdict"] != "pass")
        return code, found

    async def target(self, name="emea", **more):
        """The same for a target, as its administrator."""
        code, found = await self.check("target", name, token=await self.token(name), **more)
        return code, {what: line for (where, what), line in found.items() if where == name}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cloud(tls_dir, tmp_path_factory):
    """Tenants without lag, where a consent is in tokens an hour later."""
    folder = tmp_path_factory.mktemp("desk")
    document = default_document() | {
        "replicas": NO_LAG,
        "tokens": {"consentDelaySeconds": 3600, "lifetimeSeconds": 86400},
    }
    tenants = TenantsServer(parse(document), seed=1, tls_dir=tls_dir)
    await tenants.start()
    ready = tenants.describe()
    addresses = {"GRAPH_ENDPOINT": ready["login"], "AZURE_AUTHORITY_HOST": ready["login"]}
    values = addresses | {
        "IDENTITY_ENDPOINT": ready["identityEndpoint"],
        "IDENTITY_HEADER": ready["identityHeader"],
        "MANAGED_IDENTITY_CLIENT_ID": ready["managedIdentity"]["clientId"],
        "READER_CLIENT_ID": ready["apps"]["reader"]["appId"],
        "WRITER_CLIENT_ID": ready["apps"]["writer"]["appId"],
        "ServiceBusConnection__fullyQualifiedNamespace": "nobody.servicebus.windows.net",
        "USER_CHANGES_TOPIC": "user-changes",
        "STORE_URL": f"sqlite:///{folder}/links.sqlite3",
        "NOTIFICATION_URL": "https://localhost:1/api/notifications",
    }
    files = {}
    for name, held in (("settings", values), ("bare", addresses)):
        files[name] = folder / f"{name}.json"
        files[name].write_text(json.dumps({"IsEncrypted": False, "Values": held}))
    async with Cloud(ready) as cloud:
        yield Desk(cloud, **files)
    await tenants.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def desk(cloud):
    """The same, as at the beginning."""
    await cloud.cloud.control("POST", "reset", {"seed": 1})
    await cloud.cloud.control("POST", "profile", {"invitations": {}})
    return cloud


async def patch(desk, tenant, path, body):
    """A policy of a tenant, changed."""
    await desk.cloud.graph(tenant, "PATCH", f"/policies/{path}", body)


async def test_a_target_that_has_all(desk):
    """As the app and as its administrator; only what Graph does not tell is unknown."""
    code, lines = await desk.target()
    assert code == 0
    assert set(lines) >= OF_ADMINISTRATORS | {SIGNED_IN, AS_APP, "users can be read"}
    assert [what for what, line in lines.items() if line["verdict"] != "pass"] == [DOMAINS]
    assert "Collaboration restrictions" in lines[DOMAINS]["fix"]
    assert "15 to 60 minutes" in lines[REDEMPTION]["found"]
    assert "of 300,000 objects" in lines[ROOM]["found"]
    assert "guests may see little" in lines[INVITING]["found"]


async def test_a_source_that_has_all(desk):
    """For each target; the subscriptions alone are missing, which this command does not make."""
    code, lines = await desk.check("source", token=await desk.token("source"))
    fails = [what for (_, what), line in lines.items() if line["verdict"] != "pass"]
    assert (code, fails) == (1, ["changes are told by notifications"])
    for name in ("emea", "apac"):
        assert ("source", f"invitations to {name} are redeemed automatically") in lines
        assert ("source", f"B2B collaboration lets people go to {name}") in lines
    assert ("source", "the reader app is consented to") in lines


async def test_a_source_that_lets_nobody_go_to_one_target(desk):
    """Each target by itself."""
    blocked = {"usersAndGroups": {"accessType": "blocked", "targets": EVERYBODY}}
    path = f"crossTenantAccessPolicy/partners/{APAC_TENANT_ID}"
    off = {"automaticUserConsentSettings": {"outboundAllowed": False}}
    await patch(desk, "source", path, off | {"b2bCollaborationOutbound": blocked})
    _, lines = await desk.check("source", token=await desk.token("source"))
    redemption = lines["source", "invitations to apac are redeemed automatically"]
    assert redemption["verdict"] == "fail"
    assert redemption["fix"].startswith("python -m admin onboard source; ")
    collaboration = lines["source", "B2B collaboration lets people go to apac"]
    assert (collaboration["verdict"], collaboration["found"]) == ("fail", "the settings block everybody")
    assert lines["source", "invitations to emea are redeemed automatically"]["verdict"] == "pass"


@pytest.mark.parametrize(
    ("path", "body", "what", "found", "fix"),
    [
        (
            f"crossTenantAccessPolicy/partners/{SOURCE_TENANT_ID}",
            {"automaticUserConsentSettings": {"inboundAllowed": False}},
            REDEMPTION,
            "off",
            "python -m admin onboard target emea; Entra takes 15 to 60 minutes",
        ),
        (
            "crossTenantAccessPolicy/default",
            {"b2bCollaborationInbound": {"usersAndGroups": {"accessType": "blocked", "targets": EVERYBODY}}},
            COLLABORATION,
            "the default settings block everybody",
            "Cross-tenant access settings, inbound",
        ),
        (
            "authorizationPolicy",
            {"allowInvitesFrom": "adminsAndGuestInviters"},
            INVITING,
            "allowInvitesFrom is adminsAndGuestInviters",
            "Guest invite settings",
        ),
    ],
)
async def test_a_policy_of_the_target_that_stands_in_the_way(desk, path, body, what, found, fix):
    """It alone fails, with what to do."""
    await patch(desk, "emea", path, body)
    code, lines = await desk.target()
    assert code == 1
    assert [name for name, line in lines.items() if line["verdict"] == "fail"] == [what]
    assert lines[what]["found"] == found
    assert fix in lines[what]["fix"]


async def test_an_entry_that_lets_some_people_in_is_unknown(desk):
    """Whether they are the ones in scope, it does not tell."""
    some = [{"target": "60000000-0000-4000-8000-000000000001", "targetType": "group"}]
    inbound = {"b2bCollaborationInbound": {"usersAndGroups": {"accessType": "allowed", "targets": some}}}
    await patch(desk, "emea", f"crossTenantAccessPolicy/partners/{SOURCE_TENANT_ID}", inbound)
    code, lines = await desk.target()
    assert (code, lines[COLLABORATION]["verdict"]) == (0, "unknown")


async def test_a_policy_that_is_right_and_young_is_not_obeyed_yet(desk):
    """The line says so; nobody can see it in the policy."""
    await desk.cloud.control("POST", "profile", {"invitations": {"policyDelaySeconds": 3600}})
    path = f"crossTenantAccessPolicy/partners/{SOURCE_TENANT_ID}"
    await patch(desk, "emea", path, {"automaticUserConsentSettings": {"inboundAllowed": False}})
    await desk.cloud.control("POST", "clock", {"advance": 4000})
    given = ("--yes", "--token-file", await desk.token("emea", ONBOARDING), "--settings", desk.settings)
    code, _, err = await desk.run("onboard", "target", "emea", *given)
    assert (code, err) == (0, "")
    _, lines = await desk.target()
    assert lines[REDEMPTION]["verdict"] == "pass"
    assert "within the last hour, wait" in lines[REDEMPTION]["found"]
    assert await invited(desk, "IsaiahL@contoso.com") is False
    await desk.cloud.control("POST", "clock", {"advance": 3600})
    assert await invited(desk, "MeganB@contoso.com") is True


async def invited(desk, address):
    """Whether somebody who is invited now is redeemed automatically."""
    body = {"invitedUserEmailAddress": address, "inviteRedirectUrl": "https://myapps.microsoft.com"}
    made = await desk.cloud.graph("emea", "POST", "/invitations", body)
    [user] = [each for each in await desk.cloud.users("emea") if each["id"] == made["invitedUser"]["id"]]
    return user["redeemedAutomatically"]


async def test_a_consent_that_is_missing_is_told_from_one_that_is_young(desk):
    """Without it: the command that gives it. Given and not in the token yet: wait. Then all is well."""
    await desk.cloud.control("POST", "consents", {"tenant": "emea", "app": "writer", "revoke": True})
    onboard = f"python -m admin onboard target emea --writer {WRITER_APP_ID}"
    code, lines = await desk.target()
    assert code == 1
    assert lines[CONSENT]["fix"] == onboard
    assert "User.Invite.All" in lines[CONSENT]["found"]
    assert lines[AS_APP]["fix"].startswith(f"consent to the writer app: {onboard}; ")
    given = ("--yes", "--token-file", await desk.token("emea", ONBOARDING), "--settings", desk.settings)
    code, _, err = await desk.run(*onboard.split()[3:], *given)
    assert (code, err) == (0, "")
    code, lines = await desk.target()
    assert code == 1
    assert lines[CONSENT]["verdict"] == "pass"
    assert lines[AS_APP]["found"] == "without User.Invite.All, User.ReadWrite.All"
    assert lines[AS_APP]["fix"].startswith("wait, and check again: it is consented to, and not in effect yet")
    assert "up to an hour" in lines[AS_APP]["fix"]
    await desk.cloud.control("POST", "clock", {"advance": 3600})
    code, lines = await desk.target()
    assert (code, lines[AS_APP]["verdict"]) == (0, "pass")


async def test_somebody_who_is_signed_in_elsewhere_is_told(desk):
    """Both tenants are named, and nothing is said of the other one's policies; the app looks all the same."""
    code, lines = await desk.check("target", "emea", token=await desk.token("apac"))
    assert code == 1
    line = lines["emea", SIGNED_IN]
    assert line["verdict"] == "fail"
    assert APAC_TENANT_ID in line["found"]
    assert EMEA_TENANT_ID in line["found"]
    assert {lines["emea", what]["verdict"] for what in OF_ADMINISTRATORS} == {"unknown"}
    assert lines["emea", AS_APP]["verdict"] == "pass"


async def test_somebody_who_may_not_see_all_is_told_which_role_may(desk):
    """What is seen is told; nobody who cannot even see the tenant gets further."""
    token = await desk.token("emea", ["Organization.Read.All"])
    code, lines = await desk.check("target", "emea", token=token)
    assert code == 0
    assert lines["emea", ROOM]["verdict"] == "pass"
    for what in (CONSENT, REDEMPTION, COLLABORATION, INVITING):
        assert lines["emea", what]["verdict"] == "unknown"
        assert "sign in as Global Reader" in lines["emea", what]["found"]
        assert "Policy.Read.All" in lines["emea", what]["found"]
    code, lines = await desk.check("target", "emea", token=await desk.token("emea", []))
    assert code == 1
    assert "Global Reader" in lines["emea", SIGNED_IN]["found"]


async def test_an_administrator_needs_no_setting_of_the_app(desk):
    """What the app sees is unknown then; the consent can be seen where the writer is named."""
    code, lines = await desk.check("target", "emea", token=await desk.token("emea"), settings=desk.bare)
    assert code == 0
    assert lines["app", "what the app itself sees"]["verdict"] == "unknown"
    assert lines["emea", CONSENT]["verdict"] == "unknown"
    assert lines["emea", REDEMPTION]["verdict"] == "pass"
    place = ("target", "emea", "--writer", WRITER_APP_ID)
    code, lines = await desk.check(*place, token=await desk.token("emea"), settings=desk.bare)
    assert (code, lines["emea", CONSENT]["verdict"]) == (0, "pass")
    code, lines = await desk.check("source", token=await desk.token("source"), settings=desk.bare)
    assert code == 0
    assert "READER_CLIENT_ID" in lines["source", "the reader app is consented to"]["fix"]


async def test_beta_that_answers_otherwise_is_no_answer(desk):
    """The quota stands in no stable version; a day without it changes nothing else."""
    fault = {"tenant": "emea", "operation": "GET /organization", "count": 1}
    await desk.cloud.control("POST", "faults", fault)  # the first is answered as usual: which tenant it is
    await desk.cloud.control("POST", "faults", fault | {"status": 400, "code": "BadRequest"})
    code, lines = await desk.target()
    await desk.cloud.control("DELETE", "faults")
    assert code == 0
    assert lines[ROOM]["verdict"] == "unknown"
    assert lines[ROOM]["found"].startswith("Graph did not tell")
    assert "Graph Explorer" in lines[ROOM]["fix"]
    assert lines[REDEMPTION]["verdict"] == "pass"


async def test_the_commands_of_the_page_on_deploying_run(desk):
    """Those that look as an administrator; a person signs in where a token stands here."""
    shown = [
        *re.findall(r"^ *python -m admin (check .*)$", DEPLOY, re.MULTILINE),
        *re.findall(r"`python -m admin (check source)`", DEPLOY),
    ]
    assert len(shown) == 2
    for command in shown:
        words = command.replace("$WRITER_CLIENT_ID", WRITER_APP_ID).split()
        token = await desk.token(words[2] if words[1] == "target" else "source")
        code, out, err = await desk.run(*words, "--token-file", token, "--settings", desk.bare)
        assert (code, err) == (0, "")
        assert "Traceback" not in out


async def test_in_words_each_line_has_its_place_and_its_fix(desk):
    """For people; a target that is none is a mistake."""
    given = ("--token-file", await desk.token("emea"), "--settings", desk.settings)
    code, out, err = await desk.run("check", "target", "emea", *given)
    assert (code, err) == (0, "")
    assert f"pass    emea: {SIGNED_IN}" in out
    assert f"unknown emea: {DOMAINS}" in out
    assert out.count("→") == 1
    code, _, err = await desk.run("check", "target", "mars", *given)
    assert (code, err) == (2, "mars is no target; targets: emea, apac\n")
    code, _, err = await desk.run("check", "--json", "target", "emea", *given)
    assert (code, err) == (2, "--json and --settings go behind it: python -m admin check target … --json\n")
