"""Topic, subscriptions and rules: the half of the agreement about messages that is not Python."""

from __future__ import annotations

from datetime import timedelta

from bicep_deployment import ROOT, Deployment, deploy, deploy_targets

from sandbox.story.topology import service_bus_topology
from shared.config.sync_file import read_sync_file
from shared.core.messages import CONTROL, POISON, Timing

TOPIC = "Microsoft.ServiceBus/namespaces/topics"
SUBSCRIPTION = f"{TOPIC}/subscriptions"
RULE = f"{SUBSCRIPTION}/rules"

TARGETS = [target.name for target in read_sync_file(ROOT / "sync.yaml").targets]
(SANDBOX,) = service_bus_topology(TARGETS, 300)["UserConfig"]["Namespaces"][0]["Topics"]


def rules(deployment: Deployment) -> dict[str, list[str]]:
    """Subscription to its rules' expressions."""
    names = {subscription.id: subscription.name for subscription in deployment.of(SUBSCRIPTION)}
    found: dict[str, list[str]] = {name: [] for name in names.values()}
    for rule in deployment.of(RULE):
        assert rule.properties["filterType"] == "SqlFilter"
        found[names[rule.parent]].append(rule.properties["sqlFilter"]["sqlExpression"])
    return found


def test_subscriptions_and_rules_are_the_sandbox_s():
    """What the story plays on is what is deployed: one subscription a target, two for the app, the same rules."""
    expected = {
        subscription["Name"]: [rule["Properties"]["SqlFilter"]["SqlExpression"] for rule in subscription["Rules"]]
        for subscription in SANDBOX["Subscriptions"]
    }
    assert rules(deploy()) == expected
    assert list(expected) == [*TARGETS, POISON, CONTROL]


def test_subscriptions_work_as_in_the_sandbox():
    """Delivery count and dead-lettering are those that the tests run with."""
    deployed = {subscription.name: subscription.properties for subscription in deploy().of(SUBSCRIPTION)}
    for subscription in SANDBOX["Subscriptions"]:
        expected, found = subscription["Properties"], deployed[subscription["Name"]]
        assert found["maxDeliveryCount"] == expected["MaxDeliveryCount"] == 30
        assert found["deadLetteringOnMessageExpiration"] is expected["DeadLetteringOnMessageExpiration"] is True
        assert not found.get("requiresSession")


def test_the_lock_is_the_one_that_the_app_reckons_with():
    """Every subscription locks for as long as LOCK_SECONDS says, and as the app does where nobody says anything."""
    deployment = deploy()
    settings = {
        setting["name"]: setting["value"]
        for setting in deployment.one("Microsoft.Web/sites").properties["siteConfig"]["appSettings"]
    }
    assert {subscription.properties["lockDuration"] for subscription in deployment.of(SUBSCRIPTION)} == {"PT5M"}
    assert timedelta(seconds=int(settings["LOCK_SECONDS"])) == Timing().lock == timedelta(minutes=5)


def test_duplicates_are_detected_for_longer_than_a_window():
    """The topic forgets a message id after the window that the id stands for has closed and settled."""
    properties = deploy().one(TOPIC).properties
    assert properties["requiresDuplicateDetection"] is SANDBOX["Properties"]["RequiresDuplicateDetection"] is True
    history = properties["duplicateDetectionHistoryTimeWindow"]
    assert history == SANDBOX["Properties"]["DuplicateDetectionHistoryTimeWindow"] == "PT10M"
    assert Timing().window + Timing().settle < timedelta(minutes=10)


def test_no_rule_lets_everything_in():
    """The rule that Service Bus makes by itself is called $Default; ours takes its place in every subscription."""
    deployment = deploy()
    assert {rule.name for rule in deployment.of(RULE)} == {"$Default"}
    assert all(len(expressions) == 1 for expressions in rules(deployment).values())


def test_a_target_in_sync_yaml_gets_its_subscription(tmp_path):
    """Adding a target is one edit: its subscription and rule come from the file, a single one included."""
    assert rules(deploy_targets(tmp_path, "latin-america")) == {
        "latin-america": ["target IS NULL OR target = 'latin-america'"],
        "poison": ["target = 'poison'"],
        "control": ["target = 'control'"],
    }


def test_standard_is_the_default_and_premium_a_switch():
    """Nobody pays for Premium without asking for it."""
    tiers = [
        deploy(**given).one("Microsoft.ServiceBus/namespaces").body["sku"]["tier"] for given in ({}, {"premium": True})
    ]
    assert tiers == ["Standard", "Premium"]
