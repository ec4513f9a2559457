"""What an answer has to hold to be believed.

A success that says nothing (no list, another object, an error inside a 200) comes from gateways and from replicas in
trouble. Read leniently it would mean "in no group" or "nobody matches", which are reasons to remove or to invite; so
whoever reads an object or a list asks here, and gets a fault where the answer is no answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.core.fault_sizes import Fault, FaultSize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.graph.client import GraphResponse

INCOMPLETE: Final = Fault(FaultSize.TRANSIENT, "IncompleteAnswer")


def object_of(answer: GraphResponse, asked_for: str) -> Mapping[str, Any] | Fault:
    """The object that was asked for by its id, or a user by their principal name, which has to be selected."""
    if answer.fault is not None:
        return answer.fault
    names = (answer.body.get("id"), answer.body.get("userPrincipalName"))
    return answer.body if asked_for.lower() in [str(name).lower() for name in names] else INCOMPLETE


def texts_of(answer: GraphResponse) -> list[str] | Fault:
    """The list of texts that an action answers with."""
    items = _items(answer)
    if isinstance(items, Fault):
        return items
    return items if all(isinstance(item, str) for item in items) else INCOMPLETE


def objects_of(answer: GraphResponse) -> list[Mapping[str, Any]] | Fault:
    """One page of objects, each with its id."""
    items = _items(answer)
    if isinstance(items, Fault):
        return items
    return items if all(isinstance(item, dict) and isinstance(item.get("id"), str) for item in items) else INCOMPLETE


def _items(answer: GraphResponse) -> list[Any] | Fault:
    if answer.fault is not None:
        return answer.fault
    items = answer.body.get("value")
    return items if isinstance(items, list) and "error" not in answer.body else INCOMPLETE
