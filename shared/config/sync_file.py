"""sync.yaml: who is synchronized to where, validated into core's types, all faults at once.

The shape stands here as pydantic models, so that the JSON Schema for editors is made from the code.
What the models cannot know (expressions, scoping filters) is parsed by core, and its faults join theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from shared.config.clouds import CLOUDS, Cloud, CloudName
from shared.config.faults import ConfigurationError, ConfigurationFault
from shared.core.decide import OutOfScopeAction, Policy
from shared.core.mapping import DEFAULT_MAPPINGS, AttributeMapping, parse_mappings
from shared.core.messages import POISON
from shared.core.scoping import Filter, parse_filter

if TYPE_CHECKING:
    from pathlib import Path

NAME_PATTERN = r"^[a-z][a-z0-9-]{0,30}$"


def _canonical_guid(value: object) -> str:
    if isinstance(value, str):
        try:
            return str(UUID(value))
        except ValueError:
            pass
    raise ValueError("must be an object id or tenant id (a GUID such as 3f6f...-....)")


Guid = Annotated[str, BeforeValidator(_canonical_guid, json_schema_input_type=str)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class SourceModel(_Strict):
    """The tenant that owns the people."""

    tenant_id: Guid = Field(alias="tenantId")
    cloud: CloudName = CloudName.PUBLIC


class ScopeModel(_Strict):
    """Who is in scope: members of these groups, directly or through nested groups, who pass the filter."""

    groups: list[Guid] = []
    all_users: bool = Field(default=False, alias="allUsers")
    filter: Any = None

    @model_validator(mode="after")
    def _someone(self) -> ScopeModel:
        if bool(self.groups) == self.all_users:
            raise ValueError("name the groups whose members are in scope, or set allUsers: true, not both")
        return self


class UsersModel(_Strict):
    """How target users are made."""

    type: Literal["Member", "Guest"] = "Member"
    show_in_address_list: bool = Field(default=True, alias="showInAddressList")


class DeprovisionModel(_Strict):
    """What becomes of people who leave."""

    out_of_scope: OutOfScopeAction = Field(default=OutOfScopeAction.SOFT_DELETE, alias="outOfScope")


class TargetModel(_Strict):
    """A tenant that receives the people."""

    name: str = Field(pattern=NAME_PATTERN)
    tenant_id: Guid = Field(alias="tenantId")
    cloud: CloudName = CloudName.PUBLIC
    scope: ScopeModel
    matching: list[Literal["mail", "userPrincipalName"]] = ["mail", "userPrincipalName"]
    users: UsersModel = UsersModel()
    mappings: dict[str, Any] = {}
    deprovision: DeprovisionModel = DeprovisionModel()


class SyncModel(_Strict):
    """The whole file."""

    source: SourceModel
    targets: list[TargetModel] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant and the cloud it lives in."""

    tenant_id: str
    cloud: Cloud


@dataclass(frozen=True, slots=True)
class Scope:
    """Who is in scope of one target."""

    groups: tuple[str, ...]
    all_users: bool
    filter: Filter | None


@dataclass(frozen=True, slots=True)
class Target:
    """One target, ready for use."""

    name: str
    tenant: Tenant
    scope: Scope
    matching: tuple[str, ...]
    mappings: tuple[AttributeMapping, ...]
    policy: Policy


@dataclass(frozen=True, slots=True)
class SyncConfiguration:
    """The whole of sync.yaml."""

    source: Tenant
    targets: tuple[Target, ...]

    def target(self, name: str) -> Target:
        """The target of that name; KeyError where there is none."""
        for target in self.targets:
            if target.name == name:
                return target
        raise KeyError(name)


def read_sync_file(path: Path) -> SyncConfiguration:
    """Read and validate a sync.yaml.

    Raises:
        ConfigurationError: listing every fault with its path.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(path.name, (ConfigurationFault("(file)", f"cannot be read: {error}"),)) from error
    return parse_sync(text, path.name)


def parse_sync(text: str, source: str = "sync.yaml") -> SyncConfiguration:
    """Validate the text of a sync.yaml; `source` names it in faults.

    Raises:
        ConfigurationError: listing every fault with its path.
    """
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(source, (ConfigurationFault("(file)", f"is not YAML: {error}"),)) from error
    faults: list[ConfigurationFault] = []
    model = None
    try:
        model = SyncModel.model_validate(raw if raw is not None else {})
    except ValidationError as error:
        faults += [ConfigurationFault(_path(item["loc"]), item["msg"]) for item in error.errors()]
    faults += _faults_in_expressions(raw)
    if model is not None:
        faults += _faults_across(model)
    if model is None or faults:
        raise ConfigurationError(source, tuple(faults))
    return SyncConfiguration(_tenant(model.source), tuple(_target(target) for target in model.targets))


def _faults_in_expressions(raw: object) -> list[ConfigurationFault]:
    """Faults of mappings and filters, found even while other parts of the file are wrong."""
    targets = raw.get("targets") if isinstance(raw, dict) else None
    faults: list[ConfigurationFault] = []
    for index, target in enumerate(targets if isinstance(targets, list) else []):
        if not isinstance(target, dict):
            continue
        mappings = target.get("mappings") or {}
        if isinstance(mappings, dict):
            found = parse_mappings(mappings)[1]
            faults += [ConfigurationFault(f"targets[{index}].mappings.{fault.path}", fault.message) for fault in found]
        scope = target.get("scope")
        if isinstance(scope, dict) and scope.get("filter") is not None:
            found = parse_filter(scope["filter"])[1]
            faults += [
                ConfigurationFault(f"targets[{index}].scope.filter{fault.path}", fault.message) for fault in found
            ]
    return faults


def _faults_across(model: SyncModel) -> list[ConfigurationFault]:
    """What one target alone cannot show."""
    faults = []
    names: set[str] = set()
    tenants = {model.source.tenant_id}
    for index, target in enumerate(model.targets):
        path = f"targets[{index}]"
        if target.name in names:
            faults.append(ConfigurationFault(f"{path}.name", f"{target.name} is the name of an earlier target too"))
        if target.name == POISON:
            faults.append(ConfigurationFault(f"{path}.name", f"{POISON} names the subscription of poison messages"))
        if target.tenant_id in tenants:
            faults.append(ConfigurationFault(f"{path}.tenantId", "is the source's, or an earlier target's, tenant"))
        if CLOUDS[target.cloud].federation_audience != CLOUDS[model.source.cloud].federation_audience:
            faults.append(
                ConfigurationFault(
                    f"{path}.cloud",
                    "differs from the source's: federated credentials do not cross clouds; deploy once per cloud",
                )
            )
        names.add(target.name)
        tenants.add(target.tenant_id)
    return faults


def _tenant(model: SourceModel | TargetModel) -> Tenant:
    return Tenant(model.tenant_id, CLOUDS[model.cloud])


def _target(model: TargetModel) -> Target:
    own, _ = parse_mappings(
        {
            "userType": {"expression": f'"{model.users.type}"', "apply": "onCreate"},
            "showInAddressList": {
                "expression": f'"{str(model.users.show_in_address_list).lower()}"',
                "apply": "onCreate",
            },
            **model.mappings,
        }
    )
    replaced = {mapping.target for mapping in own}
    mappings = tuple(mapping for mapping in DEFAULT_MAPPINGS if mapping.target not in replaced) + own
    scope_filter = parse_filter(model.scope.filter)[0] if model.scope.filter is not None else None
    return Target(
        name=model.name,
        tenant=_tenant(model),
        scope=Scope(tuple(model.scope.groups), model.scope.all_users, scope_filter),
        matching=tuple(model.matching),
        mappings=mappings,
        policy=Policy(adopt=bool(model.matching), out_of_scope=model.deprovision.out_of_scope),
    )


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path or "(file)"
