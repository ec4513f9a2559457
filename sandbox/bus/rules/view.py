"""A message as filters see it: the standard properties by Service Bus's names, and the sender's own.

One view serves all rules of a topic, so a message is decoded once however many subscriptions there are.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Service Bus's names of AMQP's standard properties, and their place in the section.
SYSTEM_PROPERTIES = {
    "messageid": 0,
    "to": 2,
    "label": 3,
    "replyto": 4,
    "correlationid": 5,
    "contenttype": 6,
    "sessionid": 10,
    "replytosessionid": 12,
}


class Viewed(Protocol):
    """A message that can say its properties, however dear that is."""

    @property
    def properties(self) -> Sequence[Any]:
        """The thirteen standard properties in AMQP's order."""

    @property
    def application_properties(self) -> Mapping[str, Any]:
        """The sender's own properties."""


class MessageView:
    """Looks properties up; names of system properties are given in lower case."""

    def __init__(self, message: Viewed) -> None:
        self._message = message

    @cached_property
    def _properties(self) -> Sequence[Any]:
        return self._message.properties

    @cached_property
    def _application_properties(self) -> Mapping[str, Any]:
        return self._message.application_properties

    def system(self, name: str) -> Any:
        """A standard property, ``None`` where it is not set."""
        value = self._properties[SYSTEM_PROPERTIES[name]]
        return str(value) if isinstance(value, UUID) else value

    def user_exactly(self, name: str) -> Any:
        """A property of the sender's, by its exact name; ``None`` where it is not set."""
        return self._application_properties.get(name)

    def user(self, folded: str) -> Any:
        """A property of the sender's whose name, case-folded, is ``folded``; ``None`` where it is not set."""
        return self._folded.get(folded)

    def has_user(self, folded: str) -> bool:
        """Whether the sender set such a property, be it to null."""
        return folded in self._folded

    @cached_property
    def _folded(self) -> dict[str, Any]:
        return {str(name).casefold(): value for name, value in self._application_properties.items()}
