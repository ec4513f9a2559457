"""The names of the targets, for indexing: light, and forgiving.

The Functions host indexes the app before anything else runs, and one exception there makes every
function disappear. So this reads no more than the names, drops what cannot be a name, and raises
nothing; the full validation happens at first use and shows in the health function.
"""

from __future__ import annotations

import os
import re

import yaml

from shared.config.settings import APP_ROOT

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


def target_names() -> tuple[str, ...]:
    """Names of the targets in sync.yaml that can be function names, in their order, without repeats."""
    path = APP_ROOT / (os.environ.get("SYNC_FILE") or "sync.yaml")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return ()
    targets = raw.get("targets") if isinstance(raw, dict) else None
    names = [target.get("name") for target in targets if isinstance(target, dict)] if isinstance(targets, list) else []
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and _NAME.fullmatch(name)))
