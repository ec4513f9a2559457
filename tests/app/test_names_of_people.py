"""What people are called, and what is typed to find them, stays text: in queries, on terminals, in the logs."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

NASTY = "[bold]Rob'); | where 1 == 1 //`|**<b>x</b>\u202e@everyone\x1b[31m\r\nOK"
TYPED = [
    "x' or userPrincipalName ne 'x",
    "x'' or '' eq '",
    "' or startswith(userPrincipalName,'P') or mail eq '",
    "x'&$filter=userPrincipalName ne 'x",
    "../groups",
    "*",
]


@pytest.mark.parametrize("typed", TYPED)
async def test_a_typed_name_finds_nobody_else(app, terminal, typed):
    """Quotes end no value, and no sign begins another part of the address."""
    code, out, err = await terminal("explain", typed, "--json")
    assert (code, out) == (1, ""), err


async def test_an_address_with_a_quote_is_found(app, terminal):
    """As it is spelt."""
    patti = await app.id_of("PattiF")
    await app.change(patti, mail="pat.o'fernandez@contoso.com")
    code, out, _ = await terminal("explain", "pat.o'fernandez@contoso.com", "--target", "emea", "--json")
    assert code == 0
    assert patti in out


async def test_no_command_lets_a_name_steer_a_terminal(app, terminal):
    """Of somebody present, of somebody who failed, and of somebody held."""
    patti, isaiah = await app.join("PattiF", "IsaiahL")
    for someone in (patti, isaiah):
        await app.change(someone, displayName=NASTY, department=NASTY)
    await app.serve(patti)
    await app.fault(tenant="emea", operation="POST /invitations", status=400, code="BadRequest", message=NASTY, count=1)
    await app.serve(isaiah)
    for command in (
        ("explain", patti),
        ("explain", isaiah),
        ("provision", patti, "--target", "emea", "--dry-run"),
        ("provision", isaiah, "--target", "emea", "--dry-run"),
        ("plan", "--target", "emea"),
        ("escrow", "list"),
        ("holds", "list"),
        ("links", "list", "--target", "emea"),
        ("status",),
    ):
        _, out, err = await terminal(*command)
        for sign in ("\x1b", "\u202e", "\r"):
            assert sign not in out + err, command
        assert "\nOK" not in out, command


async def test_a_name_is_one_value_of_one_line_of_the_log(app, caplog):
    """Whatever it holds; it comes out again as it went in."""
    [patti] = await app.join("PattiF")
    await app.change(patti, displayName=NASTY)
    await app.serve(patti)
    [line] = [told for told in (record.getMessage() for record in caplog.records) if "Provisioning_CL" in told]
    assert len(line.splitlines()) == 1
    row = json.loads(line.partition(" ")[2])
    assert json.loads(row["SourceIdentity"])["Name"] == NASTY
