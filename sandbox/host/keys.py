"""The keys callers of HTTP functions present: master, host-wide, and one per function.

In the cloud they live in the app's storage and survive restarts; here a file plays that part, readable by its
owner only. Keys are compared in constant time and never logged.
"""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class HostKeys:
    """`master` opens everything, `host` every function, an entry of `functions` (by name) that function."""

    master: str = field(repr=False)
    host: str = field(repr=False)
    functions: Mapping[str, str] = field(repr=False)

    def opens_admin(self, presented: str | None) -> bool:
        """Tell whether `presented` is the master key."""
        return _same(presented, self.master)

    def opens_function(self, name: str, presented: str | None) -> bool:
        """Tell whether `presented` opens the function `name` at level "function"."""
        accepted = [self.master, self.host]
        if name in self.functions:
            accepted.append(self.functions[name])
        return any([_same(presented, key) for key in accepted])  # noqa: C419  a list, to compare all of them


def _same(presented: str | None, key: str) -> bool:
    return presented is not None and hmac.compare_digest(presented.encode(errors="surrogateescape"), key.encode())


def random_keys(functions: Iterable[str]) -> HostKeys:
    """Make fresh keys for the functions named."""
    return HostKeys(_key(), _key(), {name: _key() for name in functions})


def keys_from_file(path: Path, functions: Iterable[str]) -> HostKeys:
    """Take keys from `path`, add what is missing there, and write the whole set back with mode 0600.

    The file holds {"masterKey": key, "hostKey": key, "functionKeys": {name: key}}.
    Raises ValueError if the file exists and holds something else.
    """
    known: Any = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    per_function: Any = known.get("functionKeys", {}) if isinstance(known, dict) else None
    if not isinstance(per_function, dict):
        raise ValueError(f"{path.name} does not hold host keys")  # noqa: TRY004  a file's content, not an argument
    keys = HostKeys(
        str(known.get("masterKey") or _key()),
        str(known.get("hostKey") or _key()),
        {name: str(per_function.get(name) or _key()) for name in functions},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"masterKey": keys.master, "hostKey": keys.host, "functionKeys": dict(keys.functions)}
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return keys


def _key() -> str:
    return secrets.token_urlsafe(40)
