"""App settings: local.settings.json under the process's environment, and what bindings look up in them.

The app reads its settings from os.environ and the host reads the same ones, so both must see one merged set;
`exported` puts it in place for as long as the app lives. Values may be secrets: nothing here logs one.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.host.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping
    from pathlib import Path

_PERCENT = re.compile(r"%([^%]+)%")


@dataclass(frozen=True, slots=True)
class ConnectionString:
    """A connection given as one plain setting, shared key included."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NamespaceIdentity:
    """A connection given by `<name>__fullyQualifiedNamespace`: the namespace's host name and an identity."""

    fully_qualified_namespace: str
    client_id: str | None


Connection = ConnectionString | NamespaceIdentity


class SettingMissingError(Exception):
    """A setting that a binding names has no value. Carries the setting's name, never a value."""

    def __init__(self, setting: str, message: str) -> None:
        self.setting = setting
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Settings:
    """The merged app settings. Names are looked up without regard to case, as the host's configuration does."""

    values: Mapping[str, str] = field(repr=False)

    def get(self, name: str) -> str | None:
        """Return the value of `name`, or None where it is absent or empty."""
        exact = self.values.get(name)
        if exact:
            return exact
        lowered = name.lower()
        return next((value for key, value in self.values.items() if key.lower() == lowered and value), None)

    def resolve(self, text: str) -> str:
        """Replace each %NAME% by its setting.

        Raises SettingMissingError for the first name without a value.
        """

        def value(match: re.Match[str]) -> str:
            found = self.get(match[1])
            if found is None:
                raise SettingMissingError(match[1], f"'%{match[1]}%' does not resolve to a value")
            return found

        return _PERCENT.sub(value, text)

    def connection(self, name: str) -> Connection:
        """Resolve a binding's `connection`, which is a setting's name or the prefix of several.

        A plain value wins over the parts, as in the host. Raises SettingMissingError if there is neither.
        """
        plain = self.get(name)
        if plain is not None:
            return ConnectionString(plain)
        namespace = self.get(f"{name}__fullyQualifiedNamespace")
        if namespace is not None:
            return NamespaceIdentity(namespace, self.get(f"{name}__clientId"))
        raise SettingMissingError(name, f"neither the setting {name} nor {name}__fullyQualifiedNamespace has a value")


def read_settings(
    path: Path | None, environment: Mapping[str, str], *, required: bool = False
) -> tuple[Settings, list[Fault]]:
    """Merge `Values` of the file at `path` with `environment`; the environment wins.

    A file that does not exist is a fault only when `required`: in the cloud there is none.
    """
    if path is None or not path.is_file():
        faults = [Fault(str(path), "file", "does not exist")] if required else []
        return Settings(dict(environment)), faults
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        return Settings(dict(environment)), [Fault(path.name, "file", f"is not JSON: {error}")]
    faults = []
    values: Any = document.get("Values", {}) if isinstance(document, dict) else None
    if not isinstance(values, dict):
        return Settings(dict(environment)), [Fault(path.name, "Values", "must be an object of strings")]
    if document.get("IsEncrypted", False) is not False:
        faults.append(Fault(path.name, "IsEncrypted", "must be false: this host decrypts nothing"))
    faults += [
        Fault(path.name, f"Values.{name}", f"must be a string, not {type(value).__name__}")
        for name, value in values.items()
        if not isinstance(value, str)
    ]
    plain = {name: value for name, value in values.items() if isinstance(value, str)}
    return Settings({**plain, **environment}), faults


@contextmanager
def exported(settings: Settings, environment: MutableMapping[str, str]) -> Iterator[None]:
    """Put the settings that `environment` lacks into it, and take them out again at the end."""
    added = {name: value for name, value in settings.values.items() if name not in environment}
    environment.update(added)
    try:
        yield
    finally:
        for name in added:
            environment.pop(name, None)
