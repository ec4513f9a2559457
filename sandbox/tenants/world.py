"""The whole cloud's state: tenants, apps, consents, policies, and what serves all of them.

It is made from a configuration, a clock and a seed, and can be thrown away and made again. It knows no
requests.
"""

from __future__ import annotations

import uuid
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.tenants.chance import Chance
from sandbox.tenants.counters import Counters
from sandbox.tenants.directory.directory import Directory
from sandbox.tenants.directory.replicas import Replicas
from sandbox.tenants.faults import Faults
from sandbox.tenants.graph.permissions import SUBSCRIBE_GROUPS, SUBSCRIBE_USERS, meets
from sandbox.tenants.notifications import NotificationHub
from sandbox.tenants.odata.tokens import TokenMint
from sandbox.tenants.subscription import Scope, Subscription
from sandbox.tenants.throttling import Throttling

if TYPE_CHECKING:
    from sandbox.tenants.clock import Clock
    from sandbox.tenants.config import AppConfig, Config, TenantConfig
    from sandbox.tenants.directory.model import Change
    from sandbox.tenants.directory.properties import ExtensionProperty
    from sandbox.tenants.wire import JsonObject

CONTROL_APP_ID = "00000000-c0de-4000-8000-000000000000"  # the administrator of the control interface
GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
GUEST_USER_ROLE_ID = "10dae51f-b6af-4016-8d66-8c2a99b929b3"  # what guests may see, unless a tenant chose otherwise
_INVITATION_WINDOW = 60.0


class App:
    """An app registration, which its administrators can change."""

    def __init__(self, config: AppConfig, home_tenant_id: str) -> None:
        self.config = config
        self.audience = "AzureADMultipleOrgs"
        self.required: list[JsonObject] = []  # permissions, as Graph's requiredResourceAccess
        self.redirect_uris: list[str] = []
        self.federated = {f"credential-{number}": held for number, held in enumerate(config.federated)}
        self.object_id = derived_id(home_tenant_id, f"application:{config.app_id}")
        self.extensions: dict[str, ExtensionProperty] = {
            definition.name: definition for definition in config.extension_properties
        }


class InvitationGate:
    """The anti-abuse latch of one tenant: it closes after too many invitations, and only by hand it opens."""

    def __init__(self) -> None:
        self.closed = False
        self._recent: deque[float] = deque()

    def admit(self, now: float, most_per_minute: int | None) -> bool:
        """Count one invitation; False once the latch has closed."""
        if most_per_minute is not None:
            self._recent.append(now)
            while self._recent[0] <= now - _INVITATION_WINDOW:
                self._recent.popleft()
            self.closed = self.closed or len(self._recent) > most_per_minute
        return not self.closed

    def open(self) -> None:
        """What only support can do."""
        self.closed = False
        self._recent.clear()


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """A tenant's cross-tenant access policy: the default, and the entries of partners by their tenant id."""

    default: JsonObject
    partners: dict[str, JsonObject]

    def of(self, other: Tenant, name: str) -> JsonObject:
        """What a property says for another tenant: its entry's, or the default's."""
        found: JsonObject = self.partners.get(other.id, {}).get(name) or self.default[name]
        return found

    def redeems(self, other: Tenant, switch: str) -> bool:
        """Whether a switch of automatic redemption is on for another tenant; that is an entry's alone."""
        settings = self.partners.get(other.id, {}).get("automaticUserConsentSettings") or {}
        return settings.get(switch) is True

    def copy(self) -> AccessPolicy:
        """The policy as it is now: changes replace the values of properties."""
        return AccessPolicy(dict(self.default), {key: dict(partner) for key, partner in self.partners.items()})


class Tenant:
    """One tenant: its directory, who has consent in it, and its policies."""

    def __init__(self, config: TenantConfig, directory: Directory) -> None:
        self.config = config
        self.directory = directory
        self.consents: dict[str, frozenset[str]] = {}
        self.disabled_apps: set[str] = set()
        self.default_access = service_default()
        self.partners: dict[str, JsonObject] = {}
        self.synchronization: dict[str, JsonObject] = {}
        self.arrivals: dict[str, tuple[float, ...]] = {}  # when each replica hears of a new app or principal
        self.granted: dict[tuple[str, str], float] = {}  # when a role was assigned to an app through Graph
        self.authorization = service_authorization()
        self.invitations = InvitationGate()
        self._before: deque[tuple[float, AccessPolicy]] = deque()

    def change_access(self, now: float, delay: float) -> None:
        """Call before each change of the cross-tenant access policy: for `delay` seconds, invitations obey the old."""
        while self._before and self._before[0][0] <= now - delay:
            self._before.popleft()
        self._before.append((now, self._access_policy().copy()))

    def access_in_effect(self, now: float, delay: float) -> AccessPolicy:
        """The cross-tenant access policy that invitations obey now."""
        return next((before for changed, before in self._before if changed > now - delay), self._access_policy())

    def roles(self, app_id: str, now: float, delay: float) -> frozenset[str]:
        """What a token of an app holds: roles that were consented to, once their assignment is `delay` seconds old."""
        held = self.consents.get(app_id, frozenset())
        return frozenset(role for role in held if self.granted.get((app_id, role), float("-inf")) <= now - delay)

    def _access_policy(self) -> AccessPolicy:
        return AccessPolicy(self.default_access, self.partners)

    @property
    def id(self) -> str:
        """The tenant's GUID."""
        return self.config.tenant_id

    @property
    def name(self) -> str:
        """The tenant's name in the configuration."""
        return self.config.name

    @property
    def domains(self) -> tuple[str, ...]:
        """Verified domains, the default one first."""
        return tuple(dict.fromkeys((self.config.domain, self.config.initial_domain)))

    def service_principal_id(self, app_id: str) -> str:
        """The object id that an app's service principal has here."""
        return derived_id(self.id, f"servicePrincipal:{app_id}")


class World:
    """Everything there is, under one clock and one seed."""

    def __init__(self, config: Config, clock: Clock, seed: int) -> None:
        self.config = config
        self.clock = clock
        self.chance = Chance(seed)
        self.counters = Counters()
        self.throttling = Throttling(config.throttling)
        self.faults = Faults(self.chance.stream("faults"))
        self.mint = TokenMint(f"crosstenant-sandbox:{seed}".encode())
        self.hub = NotificationHub(
            config.notifications, clock.now, self.chance.stream("notifications"), self._consented
        )
        self.journal: list[Change] = []  # every tenant's changes in the order they happened
        self.tenants: dict[str, Tenant] = {}
        self._by_address: dict[str, Tenant] = {}
        for item in config.tenants:
            self._add_tenant(item)
        ids = {tenant.name: tenant.id for tenant in self.tenants.values()}
        self.apps = {app.app_id: App(app, ids[app.home_tenant]) for app in config.apps}
        self._app_ids = {app.name: app.app_id for app in config.apps}
        for consent in config.consents:
            self.tenants[consent.tenant].consents[self.app_id(consent.app)] = frozenset(consent.roles)
        for pair in config.automatic_redemption:
            source, target = self.tenants[pair.source], self.tenants[pair.target]
            _partner(source, target)["automaticUserConsentSettings"]["outboundAllowed"] = pair.outbound
            _partner(target, source)["automaticUserConsentSettings"]["inboundAllowed"] = pair.inbound

    def _add_tenant(self, config: TenantConfig) -> None:
        replicas = Replicas(self.config.replicas, self.chance.stream(f"replicas:{config.name}"))
        directory = Directory(config.name, replicas, self.clock.now, self.chance, self.config.delta_lag, self._heard)
        tenant = self.tenants[config.name] = Tenant(config, directory)
        for address in (config.tenant_id, *tenant.domains):
            self._by_address[address] = tenant

    def _heard(self, change: Change) -> None:
        self.journal.append(change)
        self.hub.tell(change)

    def now(self) -> float:
        """Seconds since 1970 on the sandbox's clock."""
        return self.clock.now()

    def settle(self) -> None:
        """Let happen what time alone brings: purges after 30 days."""
        for tenant in self.tenants.values():
            tenant.directory.purge_expired()

    def use(self, config: Config) -> None:
        """Take over other manners (replicas, notifications, invitations, delta, throttling), with replicas levelled."""
        self.config = config
        self.hub.settings = config.notifications
        self.throttling.use(config.throttling)
        for tenant in self.tenants.values():
            tenant.directory.delta_lag = config.delta_lag
            tenant.directory.replicas.level(config.replicas)

    def tenant_at(self, address: str) -> Tenant | None:
        """The tenant with this id or one of these domains."""
        return self._by_address.get(address.lower())

    def app_id(self, name: str) -> str:
        """The id of an app given by its name or its id."""
        return self._app_ids.get(name, name)

    def extension(self, tenant: Tenant, name: str) -> ExtensionProperty | None:
        """A directory extension attribute that can be used in a tenant: its app has a principal there."""
        for app_id, app in self.apps.items():
            definition = app.extensions.get(name)
            if definition is not None and (app_id in tenant.consents or app.config.home_tenant == tenant.name):
                return definition
        return None

    def _consented(self, subscription: Subscription) -> bool:
        if subscription.app_id == CONTROL_APP_ID:
            return True
        users = subscription.scope in {Scope.USERS, Scope.USER}
        roles = self.tenants[subscription.tenant].consents.get(subscription.app_id, frozenset())
        return meets(SUBSCRIBE_USERS if users else SUBSCRIBE_GROUPS, roles)


def empty_partner(tenant_id: str) -> JsonObject:
    """A partner's policy in which everything is inherited."""
    return {
        "tenantId": tenant_id,
        "isServiceProvider": None,
        "isInMultiTenantOrganization": False,
        "inboundTrust": None,
        "b2bCollaborationOutbound": None,
        "b2bCollaborationInbound": None,
        "b2bDirectConnectOutbound": None,
        "b2bDirectConnectInbound": None,
        "tenantRestrictions": None,
        "automaticUserConsentSettings": {"inboundAllowed": None, "outboundAllowed": None},
    }


def service_default() -> JsonObject:
    """The default of the cross-tenant access policy as every tenant begins with it."""

    def everybody(access: str) -> JsonObject:
        return {
            "usersAndGroups": {"accessType": access, "targets": [{"target": "AllUsers", "targetType": "user"}]},
            "applications": {
                "accessType": access,
                "targets": [{"target": "AllApplications", "targetType": "application"}],
            },
        }

    return {
        "isServiceDefault": True,
        "inboundTrust": {
            "isMfaAccepted": False,
            "isCompliantDeviceAccepted": False,
            "isHybridAzureADJoinedDeviceAccepted": False,
        },
        "b2bCollaborationOutbound": everybody("allowed"),
        "b2bCollaborationInbound": everybody("allowed"),
        "b2bDirectConnectOutbound": everybody("blocked"),
        "b2bDirectConnectInbound": everybody("blocked"),
        "tenantRestrictions": everybody("blocked"),
        "automaticUserConsentSettings": {"inboundAllowed": False, "outboundAllowed": False},
    }


def service_authorization() -> JsonObject:
    """The authorization policy as every tenant outside the US Government's cloud begins with it."""
    return {
        "id": "authorizationPolicy",
        "displayName": "Authorization Policy",
        "description": "Used to manage authorization related settings across the company.",
        "allowInvitesFrom": "everyone",
        "allowedToSignUpEmailBasedSubscriptions": True,
        "allowedToUseSSPR": True,
        "allowEmailVerifiedUsersToJoinOrganization": False,
        "allowUserConsentForRiskyApps": None,
        "blockMsolPowerShell": False,
        "guestUserRoleId": GUEST_USER_ROLE_ID,
        "defaultUserRolePermissions": {
            "allowedToCreateApps": True,
            "allowedToCreateSecurityGroups": True,
            "allowedToReadOtherUsers": True,
            "permissionGrantPoliciesAssigned": [],
        },
    }


def derived_id(tenant_id: str, subject: str) -> str:
    """A GUID that belongs to a subject of a tenant, the same on every machine."""
    return str(uuid.uuid5(uuid.UUID(tenant_id), subject))


def _partner(tenant: Tenant, other: Tenant) -> JsonObject:
    return tenant.partners.setdefault(other.id, empty_partner(other.id))
