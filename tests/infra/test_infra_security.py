"""No keys, no passwords, least privilege, and nothing in the open where a private network was asked for."""

from __future__ import annotations

import re

import pytest
from bicep_deployment import ROOT, Deployment, deploy

from sandbox.tenants.graph import permissions
from shared.core.registrations import READER, WRITER

STANDARD, PREMIUM = deploy(), deploy(premium=True)

KNOWN_ROLES = {
    "Azure Service Bus Data Owner": "090c5cfd-751d-490a-894a-3ce6f1109419",
    "Azure Service Bus Data Sender": "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39",
    "Azure Service Bus Data Receiver": "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
}
"""Built-in roles of Azure, as published."""

EXPECTED = {
    ("Azure Service Bus Data Owner", "Microsoft.ServiceBus/namespaces"),
    ("Storage Blob Data Owner", "Microsoft.Storage/storageAccounts"),
    ("Storage Table Data Contributor", "Microsoft.Storage/storageAccounts"),
    ("Monitoring Metrics Publisher", "Microsoft.Insights/components"),
    ("Monitoring Metrics Publisher", "Microsoft.Insights/dataCollectionRules"),
}

both = pytest.mark.parametrize("deployment", [STANDARD, PREMIUM], ids=["standard", "premium"])


@both
def test_no_service_takes_a_key(deployment: Deployment):
    """Shared keys and local authentication are off, and said to be off, wherever they exist."""
    storage = deployment.one("Microsoft.Storage/storageAccounts").properties
    assert storage["allowSharedKeyAccess"] is False
    assert storage["allowBlobPublicAccess"] is False
    assert deployment.one("Microsoft.ServiceBus/namespaces").properties["disableLocalAuth"] is True
    assert deployment.one("Microsoft.Insights/components").properties["DisableLocalAuth"] is True
    assert deployment.one("Microsoft.OperationalInsights/workspaces").properties["features"]["disableLocalAuth"] is True


@both
def test_nobody_publishes_by_password(deployment: Deployment):
    """Both doors for publishing passwords are shut."""
    policies = deployment.of("Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert {policy.name: policy.properties["allow"] for policy in policies} == {"ftp": False, "scm": False}


@both
def test_transport_is_encrypted(deployment: Deployment):
    """TLS 1.2 at least, and no plain HTTP."""
    storage = deployment.one("Microsoft.Storage/storageAccounts").properties
    site = deployment.one("Microsoft.Web/sites").properties
    assert (storage["minimumTlsVersion"], storage["supportsHttpsTrafficOnly"]) == ("TLS1_2", True)
    assert deployment.one("Microsoft.ServiceBus/namespaces").properties["minimumTlsVersion"] == "1.2"
    assert (site["siteConfig"]["minTlsVersion"], site["httpsOnly"]) == ("1.2", True)


@both
def test_no_secret_is_read_at_deployment(deployment: Deployment):
    """No list…Keys() anywhere, and no output that holds a key."""
    for path in (ROOT / "infra").rglob("*.bicep"):
        assert not re.search(r"\blist\w*\(", path.read_text(encoding="utf-8")), path
    assert not any("key" in str(value).lower() for value in deployment.outputs.values())


@both
def test_the_package_is_fetched_with_the_identity(deployment: Deployment):
    """The deployment storage names the app's identity, and a container that exists."""
    site = deployment.one("Microsoft.Web/sites")
    storage = site.properties["functionAppConfig"]["deployment"]["storage"]
    assert storage["authentication"]["type"] == "UserAssignedIdentity"
    assert [storage["authentication"]["userAssignedIdentityResourceId"]] == list(
        site.body["identity"]["userAssignedIdentities"]
    )
    account = deployment.one("Microsoft.Storage/storageAccounts").name
    container = deployment.one("Microsoft.Storage/storageAccounts/blobServices/containers").name
    assert storage["value"] == f"https://{account}.blob.core.windows.net/{container}"


@both
def test_the_app_holds_these_roles_and_no_other(deployment: Deployment):
    """Each role is a known one, on one resource, for the app's identity, and explained in docs/deploy.md."""
    names = {f"/{role_id}": name for name, role_id in KNOWN_ROLES.items()}
    page = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    found = set()
    for assignment in deployment.of("Microsoft.Authorization/roleAssignments"):
        role = names["/" + assignment.properties["roleDefinitionId"].rpartition("/")[2]]
        found.add((role, str(assignment.scope).rpartition("/")[0]))
        assert assignment.properties["principalId"] == "object-id-of-the-identity"
        assert assignment.properties["principalType"] == "ServicePrincipal"
        assert f"| {role} |" in page
    assert found == EXPECTED


def test_role_assignments_stand_in_one_file():
    """Who reviews what the app may do has one page to read."""
    files = [
        path.name
        for path in (ROOT / "infra").rglob("*.bicep")
        if "Microsoft.Authorization/roleAssignments@" in path.read_text(encoding="utf-8")
    ]
    assert files == ["roles.bicep"]


def test_a_private_network_is_private():
    """With premium, Service Bus and storage have no public door, and a private one with its DNS zone."""
    assert PREMIUM.one("Microsoft.ServiceBus/namespaces").properties["publicNetworkAccess"] == "Disabled"
    storage = PREMIUM.one("Microsoft.Storage/storageAccounts")
    assert storage.properties["publicNetworkAccess"] == "Disabled"
    assert storage.properties["networkAcls"]["defaultAction"] == "Deny"
    doors = {}
    for endpoint in PREMIUM.of("Microsoft.Network/privateEndpoints"):
        (connection,) = endpoint.properties["privateLinkServiceConnections"]
        (group,) = connection["properties"]["groupIds"]
        doors[group] = connection["properties"]["privateLinkServiceId"]
    assert doors == {
        "namespace": PREMIUM.one("Microsoft.ServiceBus/namespaces").id,
        "blob": storage.id,
        "table": storage.id,
    }
    zones = {zone.id: zone.name for zone in PREMIUM.of("Microsoft.Network/privateDnsZones")}
    linked = {link.parent for link in PREMIUM.of("Microsoft.Network/privateDnsZones/virtualNetworkLinks")}
    used = {
        config["properties"]["privateDnsZoneId"]
        for group in PREMIUM.of("Microsoft.Network/privateEndpoints/privateDnsZoneGroups")
        for config in group.properties["privateDnsZoneConfigs"]
    }
    assert set(zones) == linked == used
    assert set(zones.values()) == {
        "privatelink.servicebus.windows.net",
        "privatelink.blob.core.windows.net",
        "privatelink.table.core.windows.net",
    }


def test_the_app_goes_out_through_the_network_by_a_fixed_address():
    """With premium, the app's subnet is delegated to Flex Consumption and has a NAT gateway: Graph is outside."""
    network = PREMIUM.one("Microsoft.Network/virtualNetworks")
    subnets = {subnet["name"]: subnet["properties"] for subnet in network.properties["subnets"]}
    app = subnets["app"]
    assert PREMIUM.one("Microsoft.Web/sites").properties["virtualNetworkSubnetId"] == f"{network.id}/subnets/app"
    assert app["delegations"][0]["properties"]["serviceName"] == "Microsoft.App/environments"
    assert app["natGateway"]["id"] == PREMIUM.one("Microsoft.Network/natGateways").id
    assert app["addressPrefix"] != subnets["endpoints"]["addressPrefix"]


def test_without_premium_there_is_no_network():
    """The default deploys nothing that waits for Premium, and leaves the app outside any network."""
    assert not [resource.type for resource in STANDARD.resources if resource.type.startswith("Microsoft.Network/")]
    assert STANDARD.one("Microsoft.Web/sites").properties["virtualNetworkSubnetId"] is None


@both
def test_everything_logs_to_the_workspace(deployment: Deployment):
    """Service Bus, blobs, tables and the app have diagnostic settings that lead to the one workspace."""
    settings = deployment.of("Microsoft.Insights/diagnosticSettings")
    workspace = deployment.one("Microsoft.OperationalInsights/workspaces").id
    assert {setting.properties["workspaceId"] for setting in settings} == {workspace}
    assert {setting.scope for setting in settings} == {
        deployment.one(resource_type).id
        for resource_type in (
            "Microsoft.ServiceBus/namespaces",
            "Microsoft.Storage/storageAccounts/blobServices",
            "Microsoft.Storage/storageAccounts/tableServices",
            "Microsoft.Web/sites",
        )
    }


class TestPermissionsInTenants:
    """What docs/deploy.md tells administrators to consent to."""

    page = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (reader|writer) \| `([\w.-]+)` \| `([0-9a-f-]{36})` \|", page, re.MULTILINE)

    def roles(self, app: str) -> frozenset[str]:
        """The permissions of one app."""
        return frozenset(name for owner, name, _ in self.rows if owner == app)

    def test_ids_are_graph_s(self):
        """Each id belongs to the permission beside it."""
        assert self.rows
        for _, name, role_id in self.rows:
            assert permissions.ROLE_IDS[name] == role_id

    @pytest.mark.parametrize(("app", "registration"), [("reader", READER), ("writer", WRITER)])
    def test_the_command_asks_for_nothing_else(self, app, registration):
        """No permission is asked for that the table does not explain."""
        asked = [(each.name, each.id) for each in registration.permissions]
        assert asked == [(name, role_id) for owner, name, role_id in self.rows if owner == app]

    def test_the_reader_may_do_its_work(self):
        """Reading people, memberships and deleted people, and both subscriptions."""
        roles = self.roles("reader")
        for requirement in (
            permissions.READ_USERS_AND_GROUPS,
            permissions.READ_DELETED_USERS,
            permissions.SUBSCRIBE_USERS,
            permissions.SUBSCRIBE_GROUPS,
        ):
            assert permissions.meets(requirement, roles)

    def test_the_reader_writes_nothing(self):
        """No permission of the reader changes anything."""
        assert not any("Write" in name or "Invite" in name for name in self.roles("reader"))

    def test_the_writer_may_do_its_work(self):
        """Inviting, finding, writing, managers, deleting and restoring."""
        roles = self.roles("writer")
        assert roles & permissions.INVITE
        for requirement in (
            permissions.READ_USERS,
            permissions.READ_DELETED_USERS,
            permissions.CREATE_USERS,
            permissions.SET_MANAGER,
            permissions.DELETE_USERS,
        ):
            assert permissions.meets(requirement, roles)
