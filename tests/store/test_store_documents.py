"""Rows written down and read again, keys and layout: the pure parts, over all that can be in them."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.model import Claim, Link, LinkState, RetiredState, StateRow, SubscriptionRecord
from shared.store.checks import MAX_ID_LENGTH, check_batch
from shared.store.documents import (
    MAX_DOCUMENT_LENGTH,
    Document,
    link_document,
    read_link,
    read_state,
    read_subscription,
    state_document,
    subscription_document,
)
from shared.store.protocol import TooLarge
from shared.store.table_rows import (
    LinkEtag,
    decode_key,
    document_properties,
    document_text,
    encode_key,
    link_keys,
    link_ranges,
    missing_index_rows,
    source_id_of,
)

TEXT = st.text(max_size=30)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(
    min_value=datetime(1900, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001 - as above
    timezones=st.just(UTC) | ZONES,
)
LINKS = st.builds(
    Link,
    target=TEXT,
    source_id=TEXT,
    state=st.sampled_from(LinkState),
    target_id=st.none() | TEXT,
    fingerprint=st.none() | TEXT,
    claim=st.none() | st.builds(Claim, worker=TEXT, at=TIMES),
    was_new=st.booleans(),
    manager_source_id=st.none() | TEXT,
    reason=st.none() | TEXT,
    attempt=st.integers(0, 100),
    retry_at=st.none() | TIMES,
    changed_at=st.none() | TIMES,
    missing_since=st.none() | TIMES,
    unlogged=st.lists(TEXT, max_size=3).map(tuple),
)


def text_of(document: Document | TooLarge) -> str:
    """Return the text of a document that has to fit."""
    assert isinstance(document, Document)
    return document.text


@given(LINKS)
def test_link_document(link: Link):
    """Every link is read as it was written."""
    text = text_of(link_document(link))
    assert text.isascii()
    read = read_link(text, "e1")
    assert read == link
    assert read.etag == "e1"


@given(st.builds(StateRow, name=TEXT, value=TEXT))
def test_state_document(row: StateRow):
    """Every state row is read as it was written."""
    assert read_state(text_of(state_document(row)), "e1") == row


@given(
    st.builds(
        SubscriptionRecord,
        resource=TEXT,
        client_state=TEXT,
        notification_url=TEXT,
        subscription_id=st.none() | TEXT,
        expires_at=st.none() | TIMES,
        change_types=TEXT,
        made_at=st.none() | TIMES,
        successor=st.none() | TEXT,
        retired=st.lists(st.builds(RetiredState, TEXT, TEXT, st.none() | TIMES), max_size=3).map(tuple),
    )
)
def test_subscription_document(record: SubscriptionRecord):
    """Every subscription record is read as it was written."""
    assert read_subscription(text_of(subscription_document(record)), "e1") == record


def test_older_document():
    """A link written by an older version is read with defaults."""
    text = json.dumps({"target": "emea", "source_id": "a", "state": "active", "a field of tomorrow": 1})
    assert read_link(text, "e1") == Link("emea", "a", state=LinkState.ACTIVE)


def test_older_subscription_document():
    """A subscription recorded by an older version is one of unknown age."""
    text = json.dumps({"resource": "/users", "client_state": "s", "notification_url": "https://example.org"})
    assert read_subscription(text, "e1") == SubscriptionRecord("/users", "s", "https://example.org")


def test_document_limit():
    """A document fits up to its limit and no further."""
    room = MAX_DOCUMENT_LENGTH - len(text_of(state_document(StateRow("a", ""))))
    assert isinstance(state_document(StateRow("a", "x" * room)), Document)
    assert isinstance(state_document(StateRow("a", "x" * (room + 1))), TooLarge)


@given(st.integers(0, 100_000))
def test_document_properties(length: int):
    """A document is put together from its properties."""
    text = "".join(chr(33 + number % 90) for number in range(length))
    properties = document_properties(Document(text), "w1")
    assert document_text(properties) == text
    assert all(len(part) <= 32_768 for part in properties.values())


@given(st.text())
def test_encoded_keys(text: str):
    """An encoded key holds only what the service takes and reads back."""
    key = encode_key(text)
    assert all(character.isascii() and (character.isalnum() or character in "._-=") for character in key)
    assert decode_key(key) == text


@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1))
def test_longest_keys(target: str, source_id: str, target_id: str):
    """Keys of the longest ids still fit and end in the source id."""
    target, source_id, target_id = (
        (text * MAX_ID_LENGTH).encode()[:MAX_ID_LENGTH].decode(errors="ignore")
        for text in (target, source_id, target_id)
    )
    link = Link(target, source_id, target_id=target_id, manager_source_id=target_id)
    check_batch([link])
    for keys in (link_keys(target, source_id), *missing_index_rows(link, None)):
        assert len(keys.partition) <= 512
        assert len(keys.row) <= 512
        assert source_id_of(keys.row) == source_id


@given(LINKS, st.text(max_size=20))
def test_etag_round_trip(link: Link, service: str):
    """An etag keeps what it says about the stored link."""
    etag = LinkEtag.of(link, f'W/"{service}"')
    assert LinkEtag.parse(str(etag)) == etag
    assert missing_index_rows(link, etag) == []


@pytest.mark.parametrize("text", ["", "-", "made up", 'W/"1"', f'?{"-" * 32}W/"1"', f"-{'-' * 32}1"])
def test_no_etag_of_ours(text: str):
    """What is no etag of ours is not read as one."""
    assert LinkEtag.parse(text) is None


def test_buckets():
    """The buckets of a target share its links about evenly and cover them."""
    partitions = [link_keys("emea", f"user-{number}").partition for number in range(1600)]
    counts = {rows.partition: partitions.count(rows.partition) for rows in link_ranges("emea")}
    assert sum(counts.values()) == 1600
    assert all(60 <= count <= 140 for count in counts.values())


def test_ranges_of_similar_targets():
    """A target whose name begins another does not share its ranges."""
    assert not {rows.partition for rows in link_ranges("e")} & {rows.partition for rows in link_ranges("emea")}


def test_every_field_of_a_link_is_kept():
    """A field that is added to the type and forgotten here would be lost without a sound."""
    moment = datetime(2026, 11, 23, 12, tzinfo=UTC)
    given = {
        "str | None": "text",
        "str": "text",
        "int": 7,
        "bool": True,
        "datetime | None": moment,
        "LinkState": LinkState.HELD,
        "Claim | None": Claim("worker", moment),
        "tuple[str, ...]": ("event",),
        "Mapping[str, str]": {"department": "0123abcd"},
    }
    link = Link(**{field.name: given[field.type] for field in dataclasses.fields(Link)})
    document = link_document(link)
    assert isinstance(document, Document)
    kept = read_link(document.text, "text")
    assert dataclasses.asdict(kept) == dataclasses.asdict(link)
