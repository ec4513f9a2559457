"""Long lists and delta rounds, a page at a time. A list is whole, or it failed: nothing in between is a list.

A page that cannot be read, is cut short, or leads to another host ends the list with an error that names the page.
So does a list that ends with far fewer objects than it said it would have. Nobody may conclude from a list that
failed that somebody is not on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.core.fault_sizes import Fault, FaultSize
from shared.graph.answers import INCOMPLETE, objects_of
from shared.graph.client import ForeignLinkError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from shared.graph.client import GraphClient, GraphRequest, GraphResponse

FOREIGN_LINK: Final = Fault(FaultSize.TRANSIENT, "foreignLink")

_COUNT_MAY_DIFFER: Final = 0.01
"""Of the objects that a list said it would have: people come and go while it is read."""

_COUNT_MAY_DIFFER_BY: Final = 10


class ListFailedError(Exception):
    """A list that is not whole. Carries which one, the number of the page (from 1), and the fault."""

    def __init__(self, what: str, page: int, fault: Fault) -> None:
        super().__init__(f"{what}, page {page}: {fault.code}")
        self.what = what
        self.page = page
        self.fault = fault


@dataclass(frozen=True, slots=True)
class DeltaPage:
    """One page of a delta round. `link` leads to what comes next: the next page, or the next round."""

    items: Sequence[Mapping[str, Any]]
    link: str
    is_last: bool


async def list_pages(client: GraphClient, first: GraphRequest, what: str) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
    """The pages of a list, in Graph's JSON. `what` names the list in errors and logs.

    Raises:
        ListFailedError: the list is not whole; pages that were given already are true, but not all.
    """
    answer = await client.send(first)
    expected = answer.body.get("@odata.count")
    received = 0
    page = 1
    while True:
        items = objects_of(answer)
        if isinstance(items, Fault):
            raise ListFailedError(what, page, items)
        received += len(items)
        link = answer.body.get("@odata.nextLink")
        if link is None and isinstance(expected, int) and _too_few(received, expected):
            raise ListFailedError(what, page, INCOMPLETE)
        yield items
        if link is None:
            return
        page += 1
        answer = await _follow(client, link, what, page)


async def delta_pages(client: GraphClient, link: str, what: str) -> AsyncIterator[DeltaPage]:
    """The pages of a delta round, from the link that an earlier page ended with; the last one has the next round's.

    Raises:
        ListFailedError: a page could not be had. What was given before stays true.
    """
    page = 1
    while True:
        answer = await _follow(client, link, what, page)
        items = objects_of(answer)
        if isinstance(items, Fault):
            raise ListFailedError(what, page, items)
        following, last = answer.body.get("@odata.nextLink"), answer.body.get("@odata.deltaLink")
        next_link = following or last
        if not isinstance(next_link, str):
            raise ListFailedError(what, page, INCOMPLETE)
        if not client.owns(next_link):  # it would be stored, and followed in another run
            raise ListFailedError(what, page, FOREIGN_LINK)
        yield DeltaPage(items, next_link, is_last=following is None)
        if following is None:
            return
        link, page = next_link, page + 1


async def _follow(client: GraphClient, link: object, what: str, page: int) -> GraphResponse:
    if not isinstance(link, str):
        raise ListFailedError(what, page, INCOMPLETE)
    try:
        return await client.follow(link)
    except ForeignLinkError as error:
        raise ListFailedError(what, page, FOREIGN_LINK) from error


def _too_few(received: int, expected: int) -> bool:
    return expected - received > max(_COUNT_MAY_DIFFER_BY, expected * _COUNT_MAY_DIFFER)
