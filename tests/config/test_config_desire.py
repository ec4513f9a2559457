"""Settings of sync.yaml reach what is desired and decided: filters, compat, reasons of failures, deprovisioning."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import yaml
from test_config_sync_file import GROUP, document

from shared.app.desire import draft, selection
from shared.config.sync_file import parse_sync
from shared.core.decide import Action, Policy, decide
from shared.core.desired import Frozen, InScope, OutOfScope, SourceDeleted, UnknownDesired
from shared.core.fault_sizes import FaultSize
from shared.core.model import Link, LinkState
from shared.core.observed import Marker, Present
from shared.graph.source import Found

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SALES = {"attribute": "department", "operator": "EQUALS", "value": "Sales"}


def target_of(**settings):
    return parse_sync(yaml.safe_dump(document(**settings))).targets[0]


def drafted(target, groups=(GROUP,), **user):
    """What is desired for a user of these properties."""
    found = Found(
        {"id": "1", "mail": "a@contoso.com", "accountEnabled": True, "displayName": "A", **user}, frozenset(groups)
    )
    return draft(target, found, None, NOW).desired


def scoped(**filters):
    return target_of(scope={"groups": [GROUP], **filters})


def test_who_leaves_the_filter_is_out_of_scope_and_who_leaves_the_input_filter_is_frozen():
    """Entra's groups deprovision, its inputFilterGroups do not."""
    out = drafted(scoped(filter=SALES), department="HR")
    assert isinstance(out, OutOfScope)
    assert out.why == 'department EQUALS "Sales" fails'
    assert drafted(scoped(inputFilter=SALES), department="HR") == Frozen("inputFilter")
    assert isinstance(drafted(scoped(filter=SALES, inputFilter=SALES), department="Sales"), InScope)


def test_the_input_filter_comes_first():
    """Whom it stops is not looked at: not even leaving the group removes them."""
    target = scoped(inputFilter=SALES, filter=SALES)
    assert drafted(target, groups=(), department="HR") == Frozen("inputFilter")
    assert isinstance(drafted(target, groups=(), department="Sales"), OutOfScope)


@pytest.mark.parametrize(
    ("setting", "code"), [("filter", "scopingFilterUndecidable"), ("inputFilter", "inputFilterUndecidable")]
)
def test_a_filter_that_cannot_be_evaluated_removes_and_freezes_nobody(setting, code):
    """It is a fault of that user's, with the clause named."""
    endless = {"attribute": "jobTitle", "operator": "REGEX MATCH", "value": r"^(\w|\w\w)+\d$"}
    desired = drafted(scoped(**{setting: endless}), jobTitle="a" * 60)
    assert isinstance(desired, UnknownDesired)
    assert (desired.fault.size, desired.fault.code) == (FaultSize.USER, code)
    assert "jobTitle REGEX MATCH" in desired.fault.detail


def test_what_both_filters_read_is_asked_of_the_source():
    """And the attributes of the mappings, and no others."""
    target = target_of(
        scope={
            "groups": [GROUP],
            "filter": {**SALES, "attribute": "employeeType"},
            "inputFilter": {**SALES, "attribute": "city"},
        },
        unmapped=["city", "department"],
        mappings={"companyName": "[extensionAttribute1]"},
    )
    chosen = selection(target)
    assert {"employeeType", "city", "onPremisesExtensionAttributes"} <= set(chosen.properties)
    assert {"department", "companyName"}.isdisjoint(chosen.properties)
    assert chosen.manager


def test_compat_reaches_the_expressions():
    """IIF on an empty attribute is decided as it reads, or as Entra is documented to."""
    mappings = {"companyName": 'IIF(IsNullOrEmpty([city]),"none","some")'}
    assert drafted(target_of(mappings=mappings)).attributes["companyName"] == "none"
    assert drafted(target_of(mappings=mappings, compat="entra")).attributes["companyName"] == "some"


def test_a_mapping_that_fails_carries_attribute_and_reason_and_no_value():
    """All failing attributes of the user, so that one look at the provisioning log suffices."""
    target = target_of(mappings={"city": "CDate([displayName])", "companyName": 'Error("no company")'})
    desired = drafted(target, displayName="Secret Name")
    assert isinstance(desired, UnknownDesired)
    assert desired.fault.code == "mappingFailed"
    reasons = dict(part.split(": ", 1) for part in desired.fault.detail.split(" | "))
    assert set(reasons) == {"city", "companyName"}
    assert reasons["companyName"].endswith("no company")
    assert "Secret" not in desired.fault.detail


def test_a_mapping_that_may_be_skipped_stops_nobody():
    """The rest of the user is written."""
    target = target_of(mappings={"city": {"expression": "CDate([displayName])", "skipOnError": True}})
    desired = drafted(target)
    assert isinstance(desired, InScope)
    assert "city" not in desired.attributes
    assert desired.attributes["displayName"] == "A"


@pytest.mark.parametrize(
    ("action", "planned"), [("softDelete", Action.SOFT_DELETE), ("disable", Action.DISABLE), ("keep", Action.NOTHING)]
)
@pytest.mark.parametrize(
    ("setting", "desired"), [("outOfScope", OutOfScope("scopingFilter")), ("sourceDeleted", SourceDeleted())]
)
def test_each_way_of_leaving_has_its_own_action(setting, desired, action, planned):
    """What is said of one does not touch the other."""
    policy = target_of(deprovision={setting: action}).policy
    other = SourceDeleted() if setting == "outOfScope" else OutOfScope("scopingFilter")
    link = Link("emea", "1", LinkState.ACTIVE, target_id="t")
    present = Present("t", Marker.OURS, external=True, attributes={"accountEnabled": True})
    assert decide(desired, present, link, policy, NOW).action is planned
    assert decide(other, present, link, policy, NOW) == decide(other, present, link, Policy(), NOW)
