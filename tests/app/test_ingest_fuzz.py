"""Whatever anybody posts to the webhook: an answer, never an exception, and nothing but ids that were vouched for."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import nullcontext
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_ingest import GROUPS, ONE, SOURCE_TENANT, TWO, USERS, group_item, user_item

from shared.app.ingest import ingest
from shared.app.webhook import Webhook as Kept
from shared.core.messages import MalformedMessageError, Timing, decode, object_id

NOW = datetime(2026, 5, 24, 22, 24, tzinfo=UTC)


class Webhook:
    """The parts that ingest needs, and what was sent."""

    def __init__(self):
        self.sent = []
        self.reads = 0
        self.now = NOW
        self.parts = SimpleNamespace(
            clock=SimpleNamespace(now=lambda: self.now),
            settings=SimpleNamespace(timing=Timing()),
            sync=SimpleNamespace(source=SimpleNamespace(tenant_id=SOURCE_TENANT)),
            topic=SimpleNamespace(send=self._send),
            tracing=SimpleNamespace(notification=lambda _parent: nullcontext()),
            webhook=Kept(self._subscriptions, lambda: self.now),
        )

    async def _subscriptions(self):
        self.reads += 1
        return (USERS, GROUPS)

    async def _send(self, envelopes):
        self.sent += envelopes

    def post(self, body):
        return asyncio.run(ingest(self.parts, body))


TEXTS = st.text(st.characters(exclude_categories=()), max_size=12)  # lone surrogates and control characters too
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
GENUINE = st.sampled_from([user_item(ONE), group_item({"id": ONE}, {"id": TWO, "@removed": {}})])
FIELDS = st.sampled_from(sorted({*user_item(ONE), "lifecycleEvent"}))
BENT = st.builds(lambda item, name, value: item | {name: value}, GENUINE, FIELDS, JSON)
BENT_DATA = st.builds(
    lambda item, name, value: item | {"resourceData": item["resourceData"] | {name: value}},
    GENUINE,
    st.sampled_from(["@odata.type", "id", "members@delta"]),
    JSON,
)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_answered_and_nothing_is_sent(body):
    """202 for an empty list, else 400."""
    webhook = Webhook()
    assert webhook.post(body).status in {202, 400}
    assert webhook.sent == []


@given(st.lists(BENT | BENT_DATA | JSON, max_size=4))
def test_items_that_were_bent_are_answered_and_name_nobody_else(items):
    """Whatever one field holds: no failure, and no user on the topic whom a believable item did not name."""
    webhook = Webhook()
    assert webhook.post(json.dumps({"value": items}).encode()).status == 202
    named = json.dumps(items).lower()
    for sent in webhook.sent:
        if sent.target is None:
            assert decode(sent.body.encode()).user_id in named


@pytest.mark.parametrize("state", ["\ud800", "the-stat\udc65", "", "the-state\0", "THE-STATE"])
def test_a_wrong_client_state_is_a_refusal_and_no_failure(state):
    """Also one that is no text that could be encoded: nobody may make the webhook fail, and have Graph try again."""
    webhook = Webhook()
    assert webhook.post(json.dumps({"value": [user_item(ONE, clientState=state)]}).encode()).status == 202
    assert webhook.sent == []


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"value":' * 50_000, b'{"value": [' + b"9" * 100_000 + b"]}", b'{"value": [1e999, NaN]}']
)
def test_depth_and_size_of_json_do_not_matter(body):
    """An answer, whatever the parser thinks of it."""
    assert Webhook().post(body).status in {202, 400}


def test_a_flood_of_refused_items_is_a_few_lines_of_log(caplog):
    """Whoever posts a mebibyte of nonsense fills no log: one line a reason, with a count."""
    caplog.set_level(logging.INFO)
    items = [{}, 1, user_item(ONE, clientState="guessed")] * 500
    members = [{"id": f"no-id-{number}"} for number in range(500)]
    webhook = Webhook()
    assert webhook.post(json.dumps({"value": [*items, group_item(*members)]}).encode()).status == 202
    assert len(caplog.records) <= 5
    assert sum("500" in record.getMessage() for record in caplog.records) == 4
    assert not any("guessed" in record.getMessage() for record in caplog.records)


@given(st.integers(1, 5))
def test_a_replay_is_the_same_message(times):
    """Within a window duplicate detection drops it, for it has the same id."""
    webhook = Webhook()
    for _ in range(times):
        webhook.post(json.dumps({"value": [user_item(ONE)]}).encode())
    assert len({sent.message_id for sent in webhook.sent}) == 1


@given(TEXTS | st.text(max_size=40) | st.none() | st.integers() | st.lists(TEXTS))
def test_what_is_no_object_id_never_passes(value):
    """Ids go into addresses: a canonical GUID comes out, or a refusal."""
    try:
        read = object_id(value)
    except MalformedMessageError:
        return
    assert len(read) == 36
    assert set(read) <= set("0123456789abcdef-")


@pytest.mark.parametrize("bad", ["\0", "\0" * 36, ONE[:-1] + "\0", "\ud800" * 36, "{" + ONE[:34] + "}", ONE + "/.."])
def test_a_believed_item_with_an_odd_id_sends_nothing(bad):
    """Vouched for or not, an id is a GUID; the item beside it is taken."""
    webhook = Webhook()
    odd = user_item(ONE, resourceData={"@odata.type": "#Microsoft.Graph.User", "id": bad})
    assert webhook.post(json.dumps({"value": [odd, user_item(TWO)]}).encode()).status == 202
    assert [TWO in sent.body for sent in webhook.sent] == [True]


def test_the_last_of_doubled_keys_counts_and_has_to_be_vouched_for():
    """A genuine value beside a forged one lends it nothing."""
    forged = json.dumps(user_item(ONE))[:-1] + ', "clientState": "guess"}'
    webhook = Webhook()
    assert webhook.post(f'{{"value": [{forged}]}}'.encode()).status == 202
    assert webhook.sent == []
