"""Settings from a local.settings.json, put where the app looks for settings: into the environment of this process.

As the Functions host does it, and so what the environment holds already wins. What the settings mean is read
elsewhere.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from shared.config.faults import ConfigurationError, ConfigurationFault

if TYPE_CHECKING:
    from pathlib import Path


def use_settings(path: Path) -> None:
    """Put the file's `Values` into the environment. To be called before an HTTP client is imported.

    Raises:
        ConfigurationError: it cannot be read, or has no `Values`.
    """
    try:
        held = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise _unusable(path, f"cannot be read: {error}") from error
    values = held.get("Values") if isinstance(held, dict) else None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise _unusable(path, "must have an object Values, with texts")
    for name, value in values.items():
        os.environ.setdefault(name, value)


def _unusable(path: Path, message: str) -> ConfigurationError:
    return ConfigurationError(path.name, (ConfigurationFault("(file)", message),))
