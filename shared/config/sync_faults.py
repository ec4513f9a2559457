"""What is wrong with a sync.yaml, all of it at once: shapes, expressions, filters, and what two settings say together.

Each part is looked at by itself, however wrong the others are: nobody should have to start the product once
per typing mistake. Nothing here makes the types that the product works with; that is `sync_file`.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError

from shared.config.clouds import CLOUDS, CloudName
from shared.config.faults import ConfigurationFault
from shared.config.sync_model import (
    DeletionBudgetModel,
    DeprovisionModel,
    ScopeModel,
    SourceModel,
    SyncModel,
    TargetChangesModel,
    TargetModel,
    UsersModel,
)
from shared.core.attributes import complaint, distinguishes, find
from shared.core.expressions import Compat
from shared.core.mapping_rules import DEFAULT_MAPPINGS, parse_mappings
from shared.core.messages import CONTROL, POISON
from shared.core.scoping_rules import parse_filter

if TYPE_CHECKING:
    from collections.abc import Mapping

_MODELS: Final[tuple[type[BaseModel], ...]] = (
    SyncModel,
    SourceModel,
    TargetModel,
    ScopeModel,
    UsersModel,
    DeprovisionModel,
    TargetChangesModel,
    DeletionBudgetModel,
)
_SETTINGS: Final = sorted({field.alias or name for model in _MODELS for name, field in model.model_fields.items()})
_DEFAULTS: Final = frozenset(mapping.target for mapping in DEFAULT_MAPPINGS)
_USERS: Final = {"type": "userType", "showInAddressList": "showInAddressList"}
"""Settings under `users` and the attribute that each is about."""
_TAKEN: Final = {POISON: "poison messages", CONTROL: "commands to the app itself"}


def check(raw: object) -> tuple[SyncModel | None, tuple[ConfigurationFault, ...]]:
    """The model of the data in a sync.yaml, and every fault; the model is None where the shape is wrong."""
    model = None
    faults: list[ConfigurationFault] = []
    try:
        model = SyncModel.model_validate(raw if raw is not None else {})
    except ValidationError as error:
        faults += [ConfigurationFault(_path(item["loc"]), _message(item)) for item in error.errors()]
    targets = raw.get("targets") if isinstance(raw, dict) else None
    listed = targets if isinstance(targets, list) else []
    for index, target in enumerate(listed):
        if isinstance(target, dict):
            faults += _of_rules(target, f"targets[{index}]")
    if isinstance(raw, dict):
        faults += _of_tenants(raw.get("source"), listed)
    return model, tuple(faults)


def compat_of(target: Mapping[object, object]) -> Compat:
    """The target's `compat`; the default where it is wrong, which the model complains of."""
    return Compat.ENTRA if target.get("compat") == Compat.ENTRA.value else Compat.FIXED


def _of_rules(target: Mapping[object, object], path: str) -> list[ConfigurationFault]:
    """Faults of one target's mappings and filters."""
    mappings = target.get("mappings")
    mapped = {str(name): entry for name, entry in mappings.items()} if isinstance(mappings, dict) else {}
    faults = [
        ConfigurationFault(f"{path}.mappings.{found.path}", found.message)
        for found in parse_mappings(mapped, compat=compat_of(target))[1]
    ]
    faults += _of_unmapped(target.get("unmapped"), mapped, path)
    faults += _of_matching(target.get("matching"), path)
    users = target.get("users")
    for setting, attribute in _USERS.items():
        if isinstance(users, dict) and setting in users and attribute in mapped:
            message = f"says what users.{setting} says; keep one of the two"
            faults.append(ConfigurationFault(f"{path}.mappings.{attribute}", message))
    scope = target.get("scope")
    for setting in ("filter", "inputFilter"):
        raw = scope.get(setting) if isinstance(scope, dict) else None
        if raw is not None:
            faults += [
                ConfigurationFault(f"{path}.scope.{setting}{found.path}", found.message)
                for found in parse_filter(raw, known=complaint)[1]
            ]
    return faults


def _of_unmapped(unmapped: object, mapped: Mapping[str, object], path: str) -> list[ConfigurationFault]:
    faults: list[ConfigurationFault] = []
    written = {found.name for found in map(find, mapped) if found is not None}
    for index, name in enumerate(unmapped if isinstance(unmapped, list) else []):
        found = find(name) if isinstance(name, str) else None
        where = f"{path}.unmapped[{index}]"
        if found is None or found.name not in _DEFAULTS:
            near = difflib.get_close_matches(str(name), _DEFAULTS, n=1)
            expected = near[0] if near else f"one of {', '.join(sorted(_DEFAULTS))}"
            faults.append(ConfigurationFault(where, f"is not in the default mapping; expected {expected}"))
        elif found.name in written:
            faults.append(ConfigurationFault(where, "has a mapping; keep one of the two"))
    return faults


def _of_matching(matching: object, path: str) -> list[ConfigurationFault]:
    return [
        ConfigurationFault(
            f"{path}.matching[{index}]", complaint(name) or "does not hold texts; expected one that does"
        )
        for index, name in enumerate(matching if isinstance(matching, list) else [])
        if isinstance(name, str) and not distinguishes(name)
    ]


def _of_tenants(source: object, targets: list[Any]) -> list[ConfigurationFault]:
    """What one target alone cannot show."""
    faults: list[ConfigurationFault] = []
    names: set[str] = set()
    own = source if isinstance(source, dict) else {}
    tenants = {_plain(own.get("tenantId"))}
    for index, target in enumerate(targets):
        if not isinstance(target, dict):
            continue
        path = f"targets[{index}]"
        name, tenant = target.get("name"), _plain(target.get("tenantId"))
        if isinstance(name, str) and name in names:
            faults.append(ConfigurationFault(f"{path}.name", f"{name} is the name of an earlier target too"))
        if name in _TAKEN:
            faults.append(ConfigurationFault(f"{path}.name", f"{name} names the subscription of {_TAKEN[name]}"))
        if tenant is not None and tenant in tenants:
            faults.append(ConfigurationFault(f"{path}.tenantId", "is the source's, or an earlier target's, tenant"))
        audiences = {_audience(own.get("cloud", "public")), _audience(target.get("cloud", "public"))}
        if len(audiences) > 1 and None not in audiences:
            message = "differs from the source's: federated credentials do not cross clouds; deploy once per cloud"
            faults.append(ConfigurationFault(f"{path}.cloud", message))
        if isinstance(name, str):
            names.add(name)
        tenants.add(tenant)
    return faults


def _plain(tenant_id: object) -> str | None:
    return tenant_id.lower() if isinstance(tenant_id, str) else None


def _audience(cloud: object) -> str | None:
    return CLOUDS[CloudName(cloud)].federation_audience if isinstance(cloud, str) and cloud in set(CloudName) else None


def _message(item: Any) -> str:
    """What would be right, for one complaint of pydantic's."""
    match item["type"]:
        case "extra_forbidden":
            near = difflib.get_close_matches(str(item["loc"][-1]), _SETTINGS, n=1)
            return f"is no setting here; expected {near[0]}" if near else "is no setting here"
        case "missing":
            return "is missing"
        case "value_error":
            return str(item["ctx"]["error"])
        case "string_pattern_mismatch":
            return "must be a small letter, then up to 30 small letters, digits and hyphens"
        case "model_type" | "model_attributes_type" | "dict_type":
            return "must hold settings"
        case _:
            return str(item["msg"])


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path or "(file)"
