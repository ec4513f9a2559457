"""What the bus raises. Apart from the topic, so that who handles it need not load the SDK."""

from __future__ import annotations


class BusUnavailableError(Exception):
    """The topic did not take the messages, or did not show them; nothing may be reported as sent."""
