"""What is printed, logged or raised holds neither a secret nor what somebody's attributes say."""

from __future__ import annotations

import dataclasses
import json
import logging
from datetime import UTC, datetime

import pytest
from running_app import SOURCE_TENANT
from test_ingest import ONE, user_item
from test_ingest_fuzz import Webhook

from shared.app.provision import Received, provision
from shared.config.settings import read_settings
from shared.core.matching import Person
from shared.core.messages import MalformedMessageError, Reason, UserChange, decode, encode
from shared.core.model import SubscriptionRecord
from shared.graph.faults import classify, classify_sign_in

SECRET = "s3cret-never-shown"


def test_a_subscription_does_not_show_its_client_state():
    """Nor do its neighbours in a list."""
    record = SubscriptionRecord("/users", SECRET, "https://localhost:1/api/notifications", "an-id")
    assert SECRET not in repr(record)
    assert SECRET not in f"{[record]}"


def test_a_person_does_not_show_addresses_and_values():
    """Whoever is matched is told by marker."""
    assert SECRET not in repr(Person("marker", "tenant/id", addresses=(SECRET,), values={"department": SECRET}))


def test_a_fault_keeps_no_message_of_graphs():
    """Messages can hold names and addresses; so can the text of a refused sign-in."""
    body = {"error": {"code": "Request_BadRequest", "message": f"Invalid value {SECRET} for mail"}}
    for status in (400, 401, 403, 404, 409, 429, 500):
        assert SECRET not in repr(classify(status, body, {}, datetime.now(UTC)))
    assert SECRET not in repr(classify_sign_in(f"AADSTS700016: {SECRET}"))


def test_an_unreadable_message_is_refused_without_its_content():
    """The reason goes to the dead letter queue."""
    for field in ("v", "userId", "kind", "reason", "attempt", "target", "seenAt", "cycleId"):
        value = [SECRET] if field in {"target", "attempt"} else SECRET * 9
        body = {"v": 1, "userId": ONE, "kind": "hint", "reason": "notification"} | {field: value}
        with pytest.raises(MalformedMessageError) as raised:
            decode(json.dumps(body).encode())
        assert SECRET not in str(raised.value)


def test_refused_notifications_are_logged_without_their_content(caplog):
    """Neither the guessed clientState, nor the right one, nor an id or address."""
    caplog.set_level(logging.DEBUG)
    webhook = Webhook()
    items = [
        user_item(ONE, clientState=SECRET),
        user_item(ONE, tenantId=SECRET),
        user_item(ONE, subscriptionId=SECRET),
        user_item(ONE, resourceData={"@odata.type": "#Microsoft.Graph.User", "id": SECRET, "mail": SECRET}),
    ]
    assert webhook.post(json.dumps({"value": items}).encode()).status == 202
    assert webhook.sent == []
    assert caplog.records
    for told in (SECRET, "the-state", SOURCE_TENANT):
        assert told not in caplog.text


@pytest.mark.asyncio(loop_scope="module")
async def test_settings_do_not_show_connection_strings(app_settings):
    """In a traceback or a log they are told without their keys."""
    settings = read_settings(app_settings | {"STORE_URL": f"sqlite:///{SECRET}.sqlite3"})
    assert SECRET not in repr(settings)
    assert "SharedAccessKey" not in repr(settings)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_refused_invitation_is_logged_without_names_and_tokens(app, caplog):
    """Graph's own words may hold the address; the log has its code alone."""
    caplog.set_level(logging.INFO)
    [someone] = await app.join("PattiF")
    person = next(user for user in await app.cloud.users("source") if user["id"] == someone)
    message = f"Invalid value {SECRET} of {person['userPrincipalName']}"
    answer = {"error": {"code": "BadRequest", "message": message}}
    await app.fault(tenant="emea", operation="POST /invitations", status=400, answer=answer)
    await app.serve(someone)
    assert await app.in_target(someone) is None  # the flow did fail
    told = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("shared"))
    assert "failed" in told
    assert "failed {}" not in told
    for value in (SECRET, person["userPrincipalName"], person["displayName"], "Bearer ", "eyJ"):
        assert value not in told


class Breaking:
    """A source whose answer brings a defect to light, of which the exceptions repeat whom it met."""

    def __init__(self, source, token):
        self._source = source
        self._token = token
        self.met = ""

    async def read_users(self, user_ids, **options):
        self.met = str(await self._source.read_users(user_ids, **options))
        try:
            {}[self.met]
        except KeyError as error:
            raise RuntimeError(f"Bearer {self._token}") from error


@pytest.mark.asyncio(loop_scope="module")
async def test_a_defect_is_logged_without_the_values_it_met(app, caplog):
    """Where it happened is told, in the message and in what handlers make of it; not whom it happened to but by id."""
    [someone] = await app.join("PattiF")
    [person] = [user for user in await app.cloud.users("source") if user["id"] == someone]
    source = Breaking(app.parts.source, SECRET)
    parts = dataclasses.replace(app.parts, source=source)
    await provision(parts, "emea", [Received("m", encode(UserChange(someone, Reason.NOTIFICATION)).encode())])
    assert person["displayName"] in source.met
    assert f"user {someone} is put into escrow for a defect: RuntimeError at test_nothing_leaks:" in caplog.text
    assert "after KeyError at test_nothing_leaks:" in caplog.text
    assert "shared.app.serve:" in caplog.text
    for value in (SECRET, person["displayName"], person["userPrincipalName"], person["givenName"]):
        assert value not in caplog.text
