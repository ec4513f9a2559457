"""The configuration of the simulated cloud as values: tenants, apps, consents and manners.

`config_file` makes them from a document; nothing is checked here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.tenants.chance import Lag
    from sandbox.tenants.directory.properties import ExtensionProperty
    from sandbox.tenants.directory.replicas import ReplicaSettings
    from sandbox.tenants.wire import JsonObject


class ConfigError(Exception):
    """The configuration is wrong; `faults` names every fault with its path."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class SoftDeletedTwin(StrEnum):
    """What an invitation does while the bin holds the same person."""

    NEW_OBJECT = "newObject"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class TenantConfig:
    """One tenant and what is planted in it."""

    name: str
    tenant_id: str
    domain: str
    initial_domain: str
    people: int | None  # None is the sample company, else a number of strangers
    object_quota: int = 300_000  # objects; Entra's own for a tenant with a verified domain
    users: tuple[JsonObject, ...] = ()
    groups: tuple[JsonObject, ...] = ()


@dataclass(frozen=True, slots=True)
class FederatedCredential:
    """Whose assertions an app accepts in place of a secret."""

    issuer: str
    subject: str
    audience: str


@dataclass(frozen=True, slots=True)
class AppConfig:
    """An app registration."""

    app_id: str
    name: str
    home_tenant: str
    federated: tuple[FederatedCredential, ...] = ()
    secret: str | None = field(default=None, repr=False)
    disabled: bool = False
    extension_properties: tuple[ExtensionProperty, ...] = ()


@dataclass(frozen=True, slots=True)
class ManagedIdentityConfig:
    """The user-assigned identity that the identity endpoint speaks for."""

    client_id: str
    principal_id: str
    tenant: str


@dataclass(frozen=True, slots=True)
class Consent:
    """An app's service principal in a tenant with the application roles it was granted."""

    tenant: str
    app: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AutomaticRedemption:
    """The two switches between a source and a target."""

    source: str
    target: str
    outbound: bool = True
    inbound: bool = True


@dataclass(frozen=True, slots=True)
class NotificationSettings:
    """How late, how often, how odd. Shares are between 0 and 1."""

    lag: Lag
    duplicate_share: float = 0.1
    loss_share: float = 0.0
    variant_share: float = 0.2
    items_per_post: int = 50


@dataclass(frozen=True, slots=True)
class InvitationSettings:
    """The moods of the invitation service."""

    soft_deleted_twin: SoftDeletedTwin = SoftDeletedTwin.NEW_OBJECT
    never_appears_share: float = 0.0
    suspicious_after_per_minute: int | None = None
    allowed: bool = True
    policy_delay: float = 0.0  # seconds until a changed cross-tenant access policy is obeyed


@dataclass(frozen=True, slots=True)
class DeltaSettings:
    """How delta cuts its pages."""

    page_size: int = 200
    empty_page_share: float = 0.05
    short_page_share: float = 0.1


@dataclass(frozen=True, slots=True)
class Quota:
    """So much in any window of so many seconds."""

    limit: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ThrottlingSettings:
    """What each app may ask of each tenant; None is no limit."""

    writes: Quota | None = None
    resource_units: Quota | None = None
    retry_after: bool = True  # whether a refusal says when to come back


@dataclass(frozen=True, slots=True)
class Config:
    """The whole cloud."""

    tenants: tuple[TenantConfig, ...]
    apps: tuple[AppConfig, ...]
    consents: tuple[Consent, ...]
    managed_identity: ManagedIdentityConfig | None
    automatic_redemption: tuple[AutomaticRedemption, ...]
    replicas: ReplicaSettings
    delta_lag: Lag
    notifications: NotificationSettings
    invitations: InvitationSettings
    delta: DeltaSettings
    throttling: ThrottlingSettings
    token_lifetime: float
    consent_delay: float = 0.0  # seconds until a permission that was consented to is in tokens
