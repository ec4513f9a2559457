"""What an application lacks to be one of the two, and that nothing it has is taken away."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.registrations import GRAPH_APP_ID, MARKER_NAME, READER, WRITER, correction

DEPLOY = (Path(__file__).resolve().parents[2] / "docs" / "deploy.md").read_text(encoding="utf-8")
ROLES = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from([each.id for each in (*READER.permissions, *WRITER.permissions)] + ["another"]),
            "type": st.sampled_from(["Role", "Scope"]),
        }
    ),
    max_size=4,
)
APPLICATIONS = st.fixed_dictionaries(
    {},
    optional={
        "signInAudience": st.sampled_from(["AzureADMyOrg", "AzureADMultipleOrgs"]),
        "requiredResourceAccess": st.lists(
            st.fixed_dictionaries(
                {"resourceAppId": st.sampled_from([GRAPH_APP_ID, "somebody"]), "resourceAccess": ROLES}
            ),
            max_size=2,
            unique_by=lambda each: each["resourceAppId"],
        ),
        "web": st.fixed_dictionaries({"redirectUris": st.lists(st.sampled_from(["https://a/", "https://b/"]))}),
    },
)


@pytest.mark.parametrize("registration", [READER, WRITER])
def test_a_new_one_gets_everything_that_is_documented(registration):
    """Each permission stands in the table of docs/deploy.md with its id."""
    made = correction({}, registration, "https://host/")
    assert made["signInAudience"] == registration.audience
    assert ("web" in made) is registration.has_marker
    [access] = made["requiredResourceAccess"]
    ids = [each["id"] for each in access["resourceAccess"]]
    table = dict(re.findall(r"^\| (?:reader|writer) \| `([^`]+)` \| `([^`]+)` \|", DEPLOY, re.MULTILINE))
    assert ids == [table[permission.name] for permission in registration.permissions]
    assert MARKER_NAME in DEPLOY


@given(APPLICATIONS, st.sampled_from([READER, WRITER]), st.none() | st.just("https://host/"))
def test_a_correction_is_enough_and_takes_nothing_away(application, registration, redirect):
    """Other permissions and addresses stay, and after it nothing is missing."""
    after = {**application, **correction(application, registration, redirect)}
    assert correction(after, registration, redirect) == {}
    for access in application.get("requiredResourceAccess", ()):
        [kept] = [each for each in after["requiredResourceAccess"] if each["resourceAppId"] == access["resourceAppId"]]
        assert all(each in kept["resourceAccess"] for each in access["resourceAccess"])
    addresses = application.get("web", {}).get("redirectUris", [])
    assert after.get("web", {}).get("redirectUris", [])[: len(addresses)] == addresses
