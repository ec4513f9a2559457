"""The configuration of the simulated cloud: read, checked, every fault named at once.

A file (YAML, or JSON, which is YAML) may hold these keys, all optional but the first three:

    tenants:            # name, tenantId, domain, initialDomain; people: contoso | none | a number;
                        # objectQuota (300000 users and groups, with the bin);
                        # users: Graph properties plus manager (a userPrincipalName), exchangeMastered,
                        #   privileged, homeTenant (name: the user is a B2B guest of that tenant's user
                        #   with the same mail); groups: Graph properties plus members (UPNs, or "*")
    apps:               # appId, name, homeTenant, secret (only for tests), disabled,
                        #   federated: [{issuer, subject, audience}],
                        #   extensionProperties: [{name, dataType, targetObjects}]
    managedIdentity:    # clientId, principalId, tenant
    consents:           # [{tenant, app, roles: […]}]
    automaticRedemption: # [{source, target}], both partner policies are set; or {…, inbound/outbound: false}
    replicas:           # count, medianSeconds, p99Seconds, indexMedianSeconds, indexP99Seconds,
                        #   deltaMedianSeconds, deltaP99Seconds, staleWriteShare
    notifications:      # medianSeconds, tailSeconds (the 99th percentile), duplicateShare, lossShare,
                        #   variantShare (odd casing and zone forms), itemsPerPost
    invitations:        # softDeletedTwin: newObject | refuse, neverAppearsShare, suspiciousAfterPerMinute,
                        #   allowed, policyDelaySeconds (until a changed cross-tenant access policy is obeyed)
    delta:              # pageSize, emptyPageShare, shortPageShare
    throttling:         # without it, nobody is throttled; with it, every app in every tenant:
                        #   writes (3000), windowSeconds (150), resourceUnits (0 is no limit),
                        #   resourceUnitsWindowSeconds (10), retryAfter (false: a 429 does not say when)
    tokens:             # lifetimeSeconds, consentDelaySeconds (until what was consented to is in them)

Here only texts become values of `config`; what they mean is the other modules' affair.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import yaml

from sandbox.tenants.chance import Lag
from sandbox.tenants.config import (
    AppConfig,
    AutomaticRedemption,
    Config,
    ConfigError,
    Consent,
    DeltaSettings,
    FederatedCredential,
    InvitationSettings,
    ManagedIdentityConfig,
    NotificationSettings,
    Quota,
    SoftDeletedTwin,
    TenantConfig,
    ThrottlingSettings,
)
from sandbox.tenants.config_reader import REQUIRED, Reader
from sandbox.tenants.directory.properties import EXTENSION_NAME, EXTENSION_TYPES, GROUP, USER, ExtensionProperty
from sandbox.tenants.directory.replicas import ReplicaSettings
from sandbox.tenants.graph.permissions import KNOWN_ROLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from sandbox.tenants.wire import JsonObject


def load(path: Path) -> Config:
    """The configuration in a file; ConfigError with all its faults, OSError if it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
        # JSON is YAML, but a hundred thousand planted users take YAML's reader many minutes.
        document = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        kind = "JSON" if path.suffix == ".json" else "YAML"
        raise ConfigError([f"{path.name} is not {kind}: {' '.join(str(error).split())}"]) from error
    return parse(document)


def parse(document: Any) -> Config:
    """The configuration in a document; ConfigError with all its faults."""
    faults: list[str] = []
    if not isinstance(document, dict):
        raise ConfigError(["the configuration must be a mapping"])
    top = Reader(document, "", faults)
    tenants = tuple(_tenant(reader) for reader in top.each("tenants", required=True))
    apps = tuple(_app(reader) for reader in top.each("apps"))
    consents = tuple(_consent(reader) for reader in top.each("consents"))
    identity_reader = top.section("managedIdentity")
    identity = None if identity_reader is None else _identity(identity_reader)
    redemption = tuple(_redemption(reader) for reader in top.each("automaticRedemption"))
    replicas, delta_lag = _replicas(top.section("replicas") or Reader({}, "replicas", faults))
    lifetime, consent_delay = _tokens(top.section("tokens") or Reader({}, "tokens", faults))
    config = Config(
        tenants=tenants,
        apps=apps,
        consents=consents,
        managed_identity=identity,
        automatic_redemption=redemption,
        replicas=replicas,
        delta_lag=delta_lag,
        notifications=_notifications(top.section("notifications") or Reader({}, "notifications", faults)),
        invitations=_invitations(top.section("invitations") or Reader({}, "invitations", faults)),
        delta=_delta(top.section("delta") or Reader({}, "delta", faults)),
        throttling=_throttling(top.section("throttling")),
        token_lifetime=lifetime,
        consent_delay=consent_delay,
    )
    top.done()
    _check_references(config, faults)
    if faults:
        raise ConfigError(faults)
    return config


def profile(config: Config, document: Any) -> Config:
    """The configuration with other manners: only replicas, notifications, invitations, delta, throttling change."""
    faults: list[str] = []
    top = Reader(document, "", faults)
    changed: Config = config
    if (section := top.section("replicas")) is not None:
        replicas, delta_lag = _replicas(section)
        changed = replace(changed, replicas=replicas, delta_lag=delta_lag)
    if (section := top.section("notifications")) is not None:
        changed = replace(changed, notifications=_notifications(section))
    if (section := top.section("invitations")) is not None:
        changed = replace(changed, invitations=_invitations(section))
    if (section := top.section("delta")) is not None:
        changed = replace(changed, delta=_delta(section))
    if (section := top.section("throttling")) is not None:
        changed = replace(changed, throttling=_throttling(section))
    top.done()
    if faults:
        raise ConfigError(faults)
    return changed


def _tenant(reader: Reader) -> TenantConfig:
    people = reader.raw("people", "none")
    number: int | None = 0
    if people == "contoso":
        number = None
    elif isinstance(people, int) and not isinstance(people, bool) and people >= 0:
        number = people
    elif people != "none":
        reader.fault("people", "must be contoso, none or a number")
    tenant = TenantConfig(
        name=reader.text("name", REQUIRED),
        tenant_id=reader.guid("tenantId"),
        domain=reader.text("domain", REQUIRED).lower(),
        initial_domain=reader.text("initialDomain", REQUIRED).lower(),
        people=number,
        object_quota=int(reader.number("objectQuota", 300_000, least=1)),
        users=tuple(_user(item) for item in reader.each("users")),
        groups=tuple(_group(item) for item in reader.each("groups")),
    )
    reader.done()
    return tenant


def _user(reader: Reader) -> JsonObject:
    values = reader.rest()
    own = {"manager", "exchangeMastered", "privileged", "homeTenant"}
    for name in values:
        if name not in USER and name not in own and EXTENSION_NAME.match(name) is None:
            reader.fault(name, "is not a property of a user")
    for name in ("displayName", "userPrincipalName"):
        if not isinstance(values.get(name), str) and not ("homeTenant" in values and name == "userPrincipalName"):
            reader.fault(name, "is missing")
    if "homeTenant" in values and not isinstance(values.get("mail"), str):
        reader.fault("mail", "is missing, and a guest is found at home by it")
    return values


def _group(reader: Reader) -> JsonObject:
    values = reader.rest()
    for name in values:
        if name not in GROUP and name != "members":
            reader.fault(name, "is not a property of a group")
    if not isinstance(values.get("displayName"), str):
        reader.fault("displayName", "is missing")
    return values


def _app(reader: Reader) -> AppConfig:
    app_id = reader.guid("appId")
    credentials = []
    for item in reader.each("federated"):
        credentials.append(
            FederatedCredential(
                item.text("issuer", REQUIRED), item.text("subject", REQUIRED), item.text("audience", REQUIRED)
            )
        )
        item.done()
    definitions = []
    for item in reader.each("extensionProperties"):
        name = item.text("name", REQUIRED)
        data_type = item.text("dataType", "String")
        targets = tuple(str(target) for target in item.items("targetObjects")) or ("User",)
        full = f"extension_{app_id.replace('-', '')}_{name}"
        if app_id and name and EXTENSION_NAME.match(full) is None:
            item.fault("name", "must be letters, digits and underscores")
        if data_type not in EXTENSION_TYPES:
            item.fault("dataType", f"must be one of {', '.join(EXTENSION_TYPES)}")
        definitions.append(ExtensionProperty(full, data_type, targets))
        item.done()
    app = AppConfig(
        app_id=app_id,
        name=reader.text("name", REQUIRED),
        home_tenant=reader.text("homeTenant", REQUIRED),
        federated=tuple(credentials),
        secret=reader.text("secret") or None,
        disabled=reader.flag("disabled", default=False),
        extension_properties=tuple(definitions),
    )
    reader.done()
    return app


def _consent(reader: Reader) -> Consent:
    roles = tuple(str(role) for role in reader.items("roles", required=True))
    for role in roles:
        if role not in KNOWN_ROLES:
            reader.fault("roles", f"{role} is not an application permission known here")
    consent = Consent(reader.text("tenant", REQUIRED), reader.text("app", REQUIRED), roles)
    reader.done()
    return consent


def _identity(reader: Reader) -> ManagedIdentityConfig:
    identity = ManagedIdentityConfig(
        reader.guid("clientId"), reader.guid("principalId"), reader.text("tenant", REQUIRED)
    )
    reader.done()
    return identity


def _redemption(reader: Reader) -> AutomaticRedemption:
    pair = AutomaticRedemption(
        reader.text("source", REQUIRED),
        reader.text("target", REQUIRED),
        reader.flag("outbound", default=True),
        reader.flag("inbound", default=True),
    )
    reader.done()
    return pair


def _replicas(reader: Reader) -> tuple[ReplicaSettings, Lag]:
    median = reader.number("medianSeconds", 2.0)
    # Graph's own tail is longer (a minute and more): ask for it where an app is to be tried against that.
    p99 = reader.number("p99Seconds", 6 * median)
    settings = ReplicaSettings(
        count=int(reader.number("count", 2, least=1, most=9)),
        lag=Lag(median, p99),
        index_lag=Lag(reader.number("indexMedianSeconds", 2 * median), reader.number("indexP99Seconds", 2 * p99)),
        stale_write_share=reader.share("staleWriteShare", 0.05),
    )
    delta_median = reader.number("deltaMedianSeconds", median)
    delta_lag = Lag(delta_median, reader.number("deltaP99Seconds", 10 * delta_median))
    reader.done()
    return settings, delta_lag


def _notifications(reader: Reader) -> NotificationSettings:
    median = reader.number("medianSeconds", 2.0)
    settings = NotificationSettings(
        lag=Lag(median, reader.number("tailSeconds", 10 * median)),
        duplicate_share=reader.share("duplicateShare", 0.1),
        loss_share=reader.share("lossShare", 0.0),
        variant_share=reader.share("variantShare", 0.2),
        items_per_post=int(reader.number("itemsPerPost", 50, least=1, most=1000)),
    )
    reader.done()
    return settings


def _invitations(reader: Reader) -> InvitationSettings:
    twin = reader.text("softDeletedTwin", SoftDeletedTwin.NEW_OBJECT.value)
    if twin not in set(SoftDeletedTwin):
        reader.fault("softDeletedTwin", f"must be one of {', '.join(SoftDeletedTwin)}")
        twin = SoftDeletedTwin.NEW_OBJECT.value
    latch = int(reader.number("suspiciousAfterPerMinute", 0))
    settings = InvitationSettings(
        SoftDeletedTwin(twin),
        reader.share("neverAppearsShare", 0.0),
        latch or None,
        reader.flag("allowed", default=True),
        reader.number("policyDelaySeconds", 0),
    )
    reader.done()
    return settings


def _delta(reader: Reader) -> DeltaSettings:
    settings = DeltaSettings(
        int(reader.number("pageSize", 200, least=1, most=200)),
        reader.share("emptyPageShare", 0.05),
        reader.share("shortPageShare", 0.1),
    )
    reader.done()
    return settings


def _throttling(reader: Reader | None) -> ThrottlingSettings:
    if reader is None:
        return ThrottlingSettings()
    writes = Quota(int(reader.number("writes", 3000, least=1)), reader.number("windowSeconds", 150, least=1))
    units = int(reader.number("resourceUnits", 0))
    units_seconds = reader.number("resourceUnitsWindowSeconds", 10, least=1)
    settings = ThrottlingSettings(
        writes,
        Quota(units, units_seconds) if units else None,
        reader.flag("retryAfter", default=True),
    )
    reader.done()
    return settings


def _tokens(reader: Reader) -> tuple[float, float]:
    lifetime, consent_delay = reader.number("lifetimeSeconds", 3599, least=1), reader.number("consentDelaySeconds", 0)
    reader.done()
    return lifetime, consent_delay


def _twice(values: list[str]) -> list[str]:
    return sorted({value for value in values if value and values.count(value) > 1})


def _check_references(config: Config, faults: list[str]) -> None:
    names = {tenant.name for tenant in config.tenants}
    apps = {app.name for app in config.apps} | {app.app_id for app in config.apps}
    uniques: Mapping[str, Callable[[TenantConfig], str]] = {
        "name": lambda tenant: tenant.name,
        "tenantId": lambda tenant: tenant.tenant_id,
        "domain": lambda tenant: tenant.domain,
        "initialDomain": lambda tenant: tenant.initial_domain,
    }
    for key, value in uniques.items():
        faults.extend(f"tenants: {key} {twice} stands twice" for twice in _twice([value(t) for t in config.tenants]))
    faults.extend(f"apps: appId {twice} stands twice" for twice in _twice([app.app_id for app in config.apps]))

    def tenant(path: str, name: str) -> None:
        if name and name not in names:
            faults.append(f"{path}: there is no tenant named {name}")

    for number, app in enumerate(config.apps):
        tenant(f"apps[{number}].homeTenant", app.home_tenant)
    for number, consent in enumerate(config.consents):
        tenant(f"consents[{number}].tenant", consent.tenant)
        if consent.app and consent.app not in apps:
            faults.append(f"consents[{number}].app: there is no app named {consent.app}")
    for number, pair in enumerate(config.automatic_redemption):
        tenant(f"automaticRedemption[{number}].source", pair.source)
        tenant(f"automaticRedemption[{number}].target", pair.target)
    if config.managed_identity is not None:
        tenant("managedIdentity.tenant", config.managed_identity.tenant)
    for number, item in enumerate(config.tenants):
        for position, user in enumerate(item.users):
            if "homeTenant" in user:
                tenant(f"tenants[{number}].users[{position}].homeTenant", str(user["homeTenant"]))
