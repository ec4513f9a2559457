"""What one connection has gained so far: the right to use the bus, links to answer on, sessions it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.bus.service.requests import Responders

if TYPE_CHECKING:
    from sandbox.bus.broker.sessions import SessionHold


class Client:
    """One connection's standing."""

    def __init__(self) -> None:
        self.authorized = False
        self.responders = Responders()
        self._holds: dict[tuple[str, str], SessionHold] = {}

    def add_hold(self, path: str, hold: SessionHold) -> None:
        """It holds a session."""
        self._holds[path.lower(), hold.session_id] = hold

    def remove_hold(self, path: str, hold: SessionHold) -> None:
        """It has let it go."""
        if self._holds.get((path.lower(), hold.session_id)) is hold:
            del self._holds[path.lower(), hold.session_id]

    def hold(self, path: str, session_id: object) -> SessionHold | None:
        """Its hold on a session, if it has one."""
        return self._holds.get((path.lower(), session_id)) if isinstance(session_id, str) else None
