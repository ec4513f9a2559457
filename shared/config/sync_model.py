"""The shape of sync.yaml as pydantic models, so that checking it and the JSON Schema for editors are one.

Expressions and scoping filters have no shape here: core parses them, and its faults say more than a model's.
Nothing here reads a file; making core's types of the models is in `sync_file`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from shared.config.clouds import CloudName
from shared.core.decide import DeletedInTarget, OutOfScopeAction
from shared.core.expressions import Compat

NAME_PATTERN: Final = r"^[a-z][a-z0-9-]{0,30}$"
"""Of a target: it names the function, the subscription and the log."""

MAPPINGS_SHAPE: Final = "mappings"
FILTER_SHAPE: Final = "filter"
UNMAPPED_SHAPE: Final = "unmapped"
MATCHING_SHAPE: Final = "matching"
"""Titles under which the JSON Schema puts what core knows in the place of these settings."""

GUID_PATTERN: Final = "^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$"


def _canonical_guid(value: object) -> str:
    if isinstance(value, str) and re.fullmatch(GUID_PATTERN, value):
        return str(UUID(value))
    raise ValueError("must be an object id or tenant id (a GUID such as 3f6f...-....)")


Guid = Annotated[str, BeforeValidator(_canonical_guid), WithJsonSchema({"type": "string", "pattern": GUID_PATTERN})]
RawFilter = Annotated[Any, WithJsonSchema({"title": FILTER_SHAPE})]
RawMappings = Annotated[dict[str, Any], WithJsonSchema({"title": MAPPINGS_SHAPE})]
UnmappedNames = Annotated[list[str], WithJsonSchema({"title": UNMAPPED_SHAPE})]
MatchingNames = Annotated[list[str], WithJsonSchema({"title": MATCHING_SHAPE})]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=False)


class SourceModel(_Strict):
    """The tenant that owns the people."""

    tenant_id: Guid = Field(alias="tenantId", description="Tenant id of the source.")
    cloud: CloudName = Field(default=CloudName.PUBLIC, description="The Microsoft cloud that the tenant lives in.")


class ScopeModel(_Strict):
    """Who is in scope: members of these groups, directly or through nested groups, who pass the filters."""

    groups: list[Guid] = Field(default=[], description="Object ids of groups; members of nested groups count.")
    all_users: bool = Field(default=False, alias="allUsers", description="Everybody, in place of groups.")
    filter: RawFilter = Field(default=None, description="Who no longer passes is deprovisioned.")
    input_filter: RawFilter = Field(
        default=None, alias="inputFilter", description="Who does not pass is left alone: neither changed nor removed."
    )

    @model_validator(mode="after")
    def _someone(self) -> ScopeModel:
        if bool(self.groups) == self.all_users:
            raise ValueError("name the groups whose members are in scope, or set allUsers: true, not both")
        return self


class UsersModel(_Strict):
    """How target users are made."""

    type: Literal["Member", "Guest"] = Field(default="Member", description="Kind of B2B user, given at creation.")
    show_in_address_list: bool = Field(
        default=True, alias="showInAddressList", description="Whether address lists show the user, given at creation."
    )


class DeprovisionModel(_Strict):
    """What becomes of people who leave."""

    out_of_scope: OutOfScopeAction = Field(
        default=OutOfScopeAction.SOFT_DELETE,
        alias="outOfScope",
        description="For users who left the groups, or no longer pass the filter.",
    )
    source_deleted: OutOfScopeAction = Field(
        default=OutOfScopeAction.SOFT_DELETE,
        alias="sourceDeleted",
        description="For users who were deleted in the source.",
    )
    grace_days: int = Field(
        default=0,
        ge=0,
        le=365,
        alias="graceDays",
        description="With softDelete: block at once, and soft-delete only after so many days.",
    )

    @model_validator(mode="after")
    def _grace_before_a_removal(self) -> DeprovisionModel:
        if self.grace_days and OutOfScopeAction.SOFT_DELETE not in {self.out_of_scope, self.source_deleted}:
            raise ValueError("graceDays goes with softDelete: nobody is removed here, so there is nothing to put off")
        return self


class TargetChangesModel(_Strict):
    """What becomes of a user of ours whom an administrator of the target deleted or blocked."""

    deleted: DeletedInTarget = Field(
        default=DeletedInTarget.RESTORE,
        description="restore: bring the user back; hold: leave them deleted and wait for a person.",
    )
    blocked: Literal["report", "repair"] = Field(
        default="report",
        description="report: the block stays until the source itself changes accountEnabled; repair: take it away.",
    )


class DeletionBudgetModel(_Strict):
    """How many people may leave a target without a person saying so."""

    count: int = Field(default=500, ge=0, description="At most so many removals in the window.")
    percent: float = Field(
        default=10, ge=0, le=100, description="At most this share of the target's synchronized users."
    )
    window: timedelta = Field(
        default=timedelta(hours=24), gt=timedelta(), description="A rolling window, as an ISO 8601 duration."
    )


class LogModel(_Strict):
    """What the provisioning log tells."""

    values: bool = Field(
        default=False,
        description="Old and new values of attributes too, but for those whose mapping calls Redact().",
    )


class TargetModel(_Strict):
    """A tenant that receives the people."""

    name: str = Field(pattern=NAME_PATTERN, description="Names the function, the subscription and the log.")
    tenant_id: Guid = Field(alias="tenantId", description="Tenant id of the target.")
    cloud: CloudName = Field(default=CloudName.PUBLIC, description="The Microsoft cloud that the tenant lives in.")
    compat: Compat = Field(
        default=Compat.FIXED,
        description="entra: keep values that are gone in the source, and Entra's documented limits of IIF.",
    )
    scope: ScopeModel
    matching: MatchingNames = Field(
        default=["mail", "userPrincipalName"],
        description="Attributes by which guests who are there already are found and adopted; empty adopts nobody.",
    )
    users: UsersModel = UsersModel()
    mappings: RawMappings = Field(default={}, description="What differs from, or adds to, the default mapping.")
    unmapped: UnmappedNames = Field(
        default=[], description="Attributes of the default mapping that are left alone in this target."
    )
    deprovision: DeprovisionModel = DeprovisionModel()
    target_changes: TargetChangesModel = Field(
        default=TargetChangesModel(),
        alias="targetChanges",
        description="Users of ours whom an administrator of the target deleted or blocked.",
    )
    deletion_budget: DeletionBudgetModel = Field(
        default=DeletionBudgetModel(),
        alias="deletionBudget",
        description="Removals beyond the smaller of count and percent are held until a person releases them.",
    )
    log: LogModel | None = Field(
        default=None, description="What the provisioning log tells of this target, in place of what is said for all."
    )


class SyncModel(_Strict):
    """Who is synchronized to where."""

    source: SourceModel
    targets: list[TargetModel] = Field(min_length=1)
    log: LogModel = Field(default=LogModel(), description="What the provisioning log tells.")
