"""Both stores against a dictionary: any sequence of calls gives the answers a dictionary would give."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from shared.core.model import Link, LinkState, StateRow
from shared.store import Conflict, Written

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from shared.store import Store

# Few ids, so that they meet often.
SOURCE_IDS = ["a", "b", "c", "d", "a/d"]
TARGET_IDS = ["x", "y", "z/#"]
MANAGERS = ["a", "m"]
LINKS = st.builds(
    Link,
    target=st.sampled_from(["emea", "apac"]),
    source_id=st.sampled_from(SOURCE_IDS),
    state=st.sampled_from(LinkState),
    target_id=st.none() | st.sampled_from(TARGET_IDS),
    manager_source_id=st.none() | st.sampled_from(MANAGERS),
    unlogged=st.lists(st.sampled_from(["{}", '{"a": 1}']), max_size=2).map(tuple),
)


class AgainstADictionary(RuleBasedStateMachine):
    """The model: links and state rows by key. Etags are the store's own, also outdated ones."""

    def __init__(self, new_place: Callable[[], Callable[[], Store]]) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.open_again = new_place()
        self.links: dict[tuple[str, str], Link] = {}
        self.states: dict[str, StateRow] = {}
        self.etags: list[str | None] = [None]

    def run(self, call: Coroutine[Any, Any, Any]) -> Any:
        """Run a call to its end; the machine itself is not asynchronous."""
        return self.runner.run(call)

    async def opened(self) -> Store:
        """Open the store on the loop that will use it."""
        return self.open_again()

    @initialize()
    def start(self):
        """Begin with an empty store."""
        self.store = self.run(self.opened())

    @rule(links=st.lists(LINKS, max_size=4, unique_by=lambda link: (link.target, link.source_id)), data=st.data())
    def write(self, links: list[Link], data: st.DataObject):
        """Exactly the writes with the present etag are accepted."""
        writes = []
        for link in links:
            stored = self.links.get((link.target, link.source_id))
            right = None if stored is None else stored.etag
            etag = data.draw(st.just(right) | st.sampled_from(self.etags))
            writes.append(replace(link, etag=etag))
        outcomes = self.run(self.store.write_links(writes))
        for link, outcome in zip(writes, outcomes, strict=True):
            key = (link.target, link.source_id)
            stored = self.links.get(key)
            if link.etag == (None if stored is None else stored.etag):
                assert isinstance(outcome, Written)
                assert outcome.etag not in self.etags
                self.links[key] = replace(link, etag=outcome.etag)
                self.etags.append(outcome.etag)
            else:
                assert outcome == Conflict()

    @rule(name=st.sampled_from(["emea", "apac"]))
    def read(self, name: str):
        """Reading by id, listing and counting agree with the model."""
        expected = {link.source_id: link for link in self.links.values() if link.target == name}
        found = self.run(self.store.get_links(name, SOURCE_IDS))
        assert found == expected
        assert all(found[one].etag == expected[one].etag for one in expected)
        listed = self.run(self.list_all(name))
        assert sorted(listed, key=lambda link: link.source_id) == sorted(
            expected.values(), key=lambda link: link.source_id
        )
        counts = self.run(self.store.count_links(name))
        states = [link.state for link in expected.values()]
        assert counts == {state: states.count(state) for state in LinkState}

    async def list_all(self, target: str) -> list[Link]:
        """List in small pages."""
        return [link async for page in self.store.list_links(target, page_size=2) for link in page]

    @rule(name=st.sampled_from(["emea", "apac"]))
    def look_up(self, name: str):
        """What is found by another id, or as owing events, agrees with the model."""
        links = [link for link in self.links.values() if link.target == name]
        by_target_user = self.run(self.store.find_by_target_user(name, TARGET_IDS))
        assert {one: {link.source_id for link in found} for one, found in by_target_user.items()} == {
            one: {link.source_id for link in links if link.target_id == one}
            for one in TARGET_IDS
            if any(link.target_id == one for link in links)
        }
        by_manager = self.run(self.store.find_by_manager(name, MANAGERS))
        assert {one: set(found) for one, found in by_manager.items()} == {
            one: {link.source_id for link in links if link.manager_source_id == one}
            for one in MANAGERS
            if any(link.manager_source_id == one for link in links)
        }
        unlogged = self.run(self.store.list_unlogged(name, 100))
        assert {link.source_id for link in unlogged} == {link.source_id for link in links if link.unlogged}

    @rule(name=st.sampled_from(["cursor", "a/b"]), value=st.text(max_size=20), right=st.booleans())
    def put_state(self, name: str, value: str, right: bool):
        """A state row is written only with its present etag, and read as it was written."""
        stored = self.states.get(name)
        now = None if stored is None else stored.etag
        etag = now if right else "outdated"
        outcome = self.run(self.store.put_state(StateRow(name, value, etag=etag)))
        if right:
            assert isinstance(outcome, Written)
            self.states[name] = StateRow(name, value, etag=outcome.etag)
        else:
            assert outcome == Conflict()
        assert self.run(self.store.get_state(name)) == self.states.get(name)

    @rule()
    def restart(self):
        """Nothing is lost when the process starts again."""
        self.run(self.store.close())
        self.store = self.run(self.opened())

    def teardown(self):
        """Close what was opened."""
        self.run(self.store.close())
        self.runner.close()


def test_against_a_dictionary(
    new_place: Callable[[], Callable[[], Store]],
):
    """Any sequence of calls, restarts included, gives the answers that a dictionary would give."""
    run_state_machine_as_test(
        lambda: AgainstADictionary(new_place),
        settings=settings(
            max_examples=20,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
