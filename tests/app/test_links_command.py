"""python -m admin links: links taken over from another tool, and shown."""

from __future__ import annotations

import asyncio
import json

import pytest
import pytest_asyncio
from azure.servicebus.aio import ServiceBusClient
from click.testing import CliRunner
from running_app import MARKER, ROOT

from admin.links import links
from shared.app.seed_links import Seed, Seeded, seed_links
from shared.core.messages import Kind, decode
from shared.core.model import Claim, Link, LinkState

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY = "0d0d0d0d-0000-4000-8000-00000000000d"


@pytest_asyncio.fixture(loop_scope="module")
async def command(app, servers, tmp_path):
    """Run the command as an administrator does, on the same tenants, bus and store."""
    tenants, bus, _ = servers
    ready = tenants.describe()
    settings = tmp_path / "local.settings.json"
    values = {
        "SYNC_FILE": str(ROOT / "sync.yaml"),
        "MANAGED_IDENTITY_CLIENT_ID": ready["managedIdentity"]["clientId"],
        "READER_CLIENT_ID": ready["apps"]["reader"]["appId"],
        "WRITER_CLIENT_ID": ready["apps"]["writer"]["appId"],
        "ServiceBusConnection": bus.connection_string,
        "USER_CHANGES_TOPIC": "user-changes",
        "STORE_URL": f"sqlite:///{tmp_path}/links.sqlite3",
        "NOTIFICATION_URL": "https://localhost:1/api/notifications",
        "GRAPH_ENDPOINT": ready["login"],
        "AZURE_AUTHORITY_HOST": ready["login"],
    }
    environment = dict.fromkeys(values)
    settings.write_text(json.dumps({"Values": values}), encoding="utf-8")

    async def run(*arguments, text=None):
        names = list(arguments)
        if text is not None:
            file = tmp_path / "links.txt"
            file.write_text(text, encoding="utf-8")
            names.insert(1, str(file))
        runner = CliRunner(env=environment)
        return await asyncio.to_thread(runner.invoke, links, [*names, "--settings", str(settings)])

    return run


async def guest_id(app, name="Adele V. (guest)", tenant="emea"):
    [found] = [user["id"] for user in await app.cloud.users(tenant) if user["displayName"] == name]
    return found


async def test_a_seeded_link_makes_the_next_check_adopt_that_very_user(app, command):
    """Whatever the addresses say; the guest stays a guest and gets our marker. The import itself writes nothing."""
    guest = await guest_id(app)
    [patti] = await app.join("PattiF")
    result = await command("import", "--target", "emea", text=f"sourceId,targetId\n{patti},{guest}\n")
    assert result.exit_code == 0, result.output
    assert "1 linked, 0 refused" in result.output
    assert await app.writes() == 0
    assert (await app.link(patti)).state is LinkState.IMPORTED
    await app.serve(patti, kind=Kind.CHECK)
    user = await app.in_target(patti)
    assert (user["id"], user["userType"], user["displayName"]) == (guest, "Guest", "Patti Fernandez")
    assert (await app.link(patti)).state is LinkState.ACTIVE


async def checked(app):
    """The users whom the messages of EMEA's subscription ask to check; the messages are taken."""
    users = []
    async with (
        ServiceBusClient.from_connection_string(app.bus.connection_string) as client,
        client.get_subscription_receiver("user-changes", "emea", max_wait_time=1) as receiver,
    ):
        async for message in receiver:
            change = decode(b"".join(message.body))
            users += [change.user_id] if change.kind is Kind.CHECK and change.target == "emea" else []
            await receiver.complete_message(message)
    return users


async def test_a_check_is_sent_for_each_linked_user(app):
    """So that the marker follows without anybody's doing; a dry run and a refused line send none."""
    guest = await guest_id(app)
    patti, miriam = await app.join("PattiF", "MiriamG")
    await checked(app)
    await seed_links(app.parts, "emea", [Seed(patti, guest)], dry_run=True)
    seeded = await seed_links(app.parts, "emea", [Seed(patti, guest), Seed(miriam, NOBODY)], dry_run=False)
    assert seeded == [Seeded.LINKED, Seeded.TARGET_USER_NOT_FOUND]
    assert await checked(app) == [patti]


async def test_json_lines_are_read_too(app, command):
    """One object a line, with the names of the CSV's columns; other fields do not matter."""
    guest = await guest_id(app)
    [patti] = await app.join("PattiF")
    line = json.dumps({"sourceId": patti.upper(), "targetId": guest, "name": "whoever"})
    result = await command("import", "--target", "emea", text=line + "\n\n")
    assert result.exit_code == 0, result.output
    assert (await app.link(patti)).target_id == guest


async def test_a_dry_run_writes_nothing(app, command):
    """It verifies and says what would be."""
    guest = await guest_id(app)
    [patti] = await app.join("PattiF")
    result = await command("import", "--target", "emea", "--dry-run", text=f"sourceId,targetId\n{patti},{guest}\n")
    assert "1 would be linked" in result.output
    assert await app.link(patti) is None


async def test_each_wrong_line_is_refused_with_its_reason_and_the_others_are_taken(app, command):
    """Line by line: internal, another's marker, nobody there, deleted, unknown source user, no id at all."""
    guest = await guest_id(app)
    enrico = await guest_id(app, "Enrico Cattaneo")
    body = {"inviteRedirectUrl": "https://myapps.microsoft.com", "invitedUserEmailAddress": "a@fabrikam.com"}
    foreign = (await app.cloud.graph("emea", "POST", "/invitations", body))["invitedUser"]["id"]
    await app.change(foreign, tenant="emea", **{MARKER: "another/somebody"})
    body |= {"invitedUserEmailAddress": "b@fabrikam.com"}
    gone = (await app.cloud.graph("emea", "POST", "/invitations", body))["invitedUser"]["id"]
    await app.cloud.graph("emea", "DELETE", f"/users/{gone}")
    ids = await app.join("PattiF", "MiriamG", "IsaiahL", "LeeG", "AdeleV")
    text = "\n".join(
        [
            "sourceId,targetId,comment",
            f"{ids[0]},{enrico},internal",
            f"{ids[1]},{foreign},",
            f"{ids[2]},{NOBODY},",
            f"{ids[3]},{gone},",
            f"{NOBODY},{guest},",
            "PattiF@contoso.com,x,",
            f"{ids[4]},{guest},right",
        ]
    )
    result = await command("import", "--target", "emea", text=text)
    assert result.exit_code == 1
    lines = [line.split(" (")[0] for line in result.output.splitlines()]
    assert lines[:-1] == [
        "line 2: refused: internalUser",
        "line 3: refused: anotherInstallation",
        "line 4: refused: targetUserNotFound",
        "line 5: refused: targetUserDeleted",
        "line 6: refused: twiceInFile",
        "line 7: refused: sourceId must be an object id",
        "line 8: refused: twiceInFile",
    ]
    assert "PattiF" not in result.output


async def test_a_source_user_who_is_not_there_is_refused(app):
    """A typing mistake would make a link that nobody ever looks after."""
    assert await seed_links(app.parts, "emea", [Seed(NOBODY, await guest_id(app))], dry_run=False) == [
        Seeded.SOURCE_USER_NOT_FOUND
    ]


async def test_a_link_that_is_there_is_not_turned_round(app):
    """Neither to another target user, nor to another source user, nor under a worker's hands."""
    guest = await guest_id(app)
    patti, miriam, isaiah = await app.join("PattiF", "MiriamG", "IsaiahL")
    await app.serve(patti)
    own = (await app.link(patti)).target_id
    claim = Claim("another", app.clock.now())
    await app.parts.store.write_links([Link("emea", isaiah, claim=claim)])
    for seed, wanted in (
        (Seed(patti, guest), Seeded.LINKED_TO_ANOTHER_USER),
        (Seed(miriam, own), Seeded.TWO_SOURCE_USERS),
        (Seed(isaiah, guest), Seeded.CHANGED_MEANWHILE),
        (Seed(patti, own), Seeded.ALREADY_LINKED),
    ):
        assert await seed_links(app.parts, "emea", [seed], dry_run=False) == [wanted]
    assert (await app.link(patti)).target_id == own


@pytest.mark.parametrize(
    ("tenant", "operation", "wanted"),
    [("source", "GET /users/{id}", Seeded.SOURCE_UNREADABLE), ("emea", "GET /users/{id}", Seeded.TARGET_UNREADABLE)],
)
async def test_what_cannot_be_read_is_refused(app, tenant, operation, wanted):
    """Unknown is no proof."""
    guest = await guest_id(app)
    [patti] = await app.join("PattiF")
    await app.fault(tenant=tenant, operation=operation, status=503)
    assert await seed_links(app.parts, "emea", [Seed(patti, guest)], dry_run=False) == [wanted]
    assert await app.link(patti) is None


async def test_a_seeded_user_who_is_out_of_scope_is_left_alone(app):
    """The other tool's user was never ours: no removal, no hold, and the link waits."""
    guest = await guest_id(app)
    patti = await app.id_of("PattiF")
    assert await seed_links(app.parts, "emea", [Seed(patti, guest)], dry_run=False) == [Seeded.LINKED]
    await app.serve(patti, kind=Kind.CHECK)
    assert await app.writes() == 0
    assert (await app.link(patti)).state is LinkState.IMPORTED
    await app.join("PattiF")
    await app.serve(patti)
    assert (await app.in_target(patti))["id"] == guest


@pytest.mark.parametrize("form", ["csv", "json"])
async def test_what_was_exported_can_be_imported(app, command, form):
    """Both forms hold the target's name, and the lines of other targets are left out."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    await app.serve(patti, target="apac")
    exported = await command("export", "--format", form)
    assert exported.exit_code == 0, exported.output
    result = await command("import", "--target", "emea", text=exported.output)
    assert result.exit_code == 0, result.output
    assert "nothing to do: alreadyLinked" in result.output
    assert "1 of other targets" in result.output


async def test_the_list_shows_ids_and_states_of_one_target(app, command):
    """And nothing personal."""
    [patti] = await app.join("PattiF")
    await app.serve(patti)
    await app.serve(patti, target="apac")
    result = await command("list", "--target", "emea")
    [line] = result.output.splitlines()
    assert line.split() == ["emea", patti, (await app.link(patti)).target_id, "active", "inScope"]


@pytest.mark.parametrize(
    ("arguments", "text", "code", "said"),
    [
        (("import", "--target", "mars"), "sourceId,targetId\n", 2, "must be one of emea, apac"),
        (("import",), "sourceId,targetId\n", 2, "must be one of emea, apac"),
        (("import", "--target", "emea"), "source;target\n", 1, "must name the columns sourceId and targetId"),
        (("list", "--target", "mars"), None, 2, "must be one of emea, apac"),
    ],
)
async def test_wrong_arguments_are_refused_in_words(app, command, arguments, text, code, said):
    """What is wrong, and what would be right."""
    assert app is not None
    result = await command(*arguments, text=text)
    assert result.exit_code == code
    assert said in result.output


async def test_each_command_speaks_json(app, command):
    """Links one a line; an import as one object with what was refused and why."""
    guest = await guest_id(app)
    [patti] = await app.join("PattiF")
    result = await command("import", "--target", "emea", "--json", text=f"sourceId,targetId\n{patti},{guest}\nx,y\n")
    assert result.exit_code == 1, result.output
    told = json.loads(result.output)
    assert (told["target"], told["linked"], told["refused"][0]["line"]) == ("emea", 1, 3)
    for arguments in (["list", "--json"], ["export", "--json"]):
        [line] = (await command(*arguments)).output.splitlines()
        assert json.loads(line)["targetId"] == guest
