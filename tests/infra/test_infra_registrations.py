"""The app registrations as a template are those that `register` makes."""

from __future__ import annotations

import json

import pytest
from bicep_deployment import REGISTRATIONS, deploy_registrations

from shared.config.clouds import CLOUDS, CloudName
from shared.core.registrations import FEDERATION_NAME, GRAPH_APP_ID, READER, WRITER, correction

IDENTITY = "00000000-0000-4000-8000-00000000abcd"
HOST = "func-crosstenant.azurewebsites.net"
BARE, WHOLE = (
    deploy_registrations(),
    deploy_registrations(managedIdentityPrincipalId=IDENTITY, functionAppHost=HOST),
)


@pytest.mark.parametrize("registration", [READER, WRITER], ids=["reader", "writer"])
def test_nothing_is_left_to_correct(registration):
    """`register`, run after it, finds names, audience, permissions and the address to return to as it wants them."""
    [application] = [
        one for one in WHOLE.of("Microsoft.Graph/applications") if one.body["displayName"] == registration.title
    ]
    assert correction(application.body, registration, f"https://{HOST}/") == {}
    [access] = application.body["requiredResourceAccess"]
    assert access["resourceAppId"] == GRAPH_APP_ID
    assert [one["id"] for one in access["resourceAccess"]] == [one.id for one in registration.permissions]
    assert WHOLE.outputs[registration.setting] == f"client-id-of-{application.body['uniqueName']}"


def test_the_reader_alone_is_consented_to():
    """At home, with its own permissions; a target's consent is the target's."""
    grants = [one.body for one in WHOLE.of("Microsoft.Graph/appRoleAssignedTo")]
    assert {grant["appRoleId"] for grant in grants} == {one.id for one in READER.permissions}
    [principal] = WHOLE.of("Microsoft.Graph/servicePrincipals")
    assert {grant["principalId"] for grant in grants} == {principal.id}
    assert {grant["resourceId"] for grant in grants} == {f"object-id-of-{GRAPH_APP_ID}"}


def test_the_managed_identity_vouches_for_both_once_it_is_there():
    """As `register` has it federate, and before there is one nobody does."""
    kind = "Microsoft.Graph/applications/federatedIdentityCredentials"
    assert BARE.of(kind) == []
    public = CLOUDS[CloudName.PUBLIC]
    for credential in WHOLE.of(kind):
        assert credential.name.partition("/")[2] == FEDERATION_NAME
        assert credential.body["subject"] == IDENTITY
        assert credential.body["audiences"] == [public.federation_audience]
        assert credential.body["issuer"] == f"{public.authority}/50000000-0000-4000-8000-000000000001/v2.0"
    assert len(WHOLE.of(kind)) == 2


def test_the_extension_is_pinned_beside_it():
    """One alias, with a version that is no preview."""
    config = json.loads((REGISTRATIONS.parent / "bicepconfig.json").read_text(encoding="utf-8"))
    [(alias, address)] = config["extensions"].items()
    assert f"\nextension {alias}\n" in REGISTRATIONS.read_text(encoding="utf-8")
    assert address.startswith("br:mcr.microsoft.com/bicep/extensions/microsoftgraph/v1.0:")
    assert "preview" not in address
