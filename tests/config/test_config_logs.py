"""What sync.yaml and the settings say of the logs."""

from __future__ import annotations

import pytest
from test_config_sync_file import document, parsed, target_of

from shared.config.clouds import CLOUDS
from shared.config.faults import ConfigurationError
from shared.config.settings import read_settings

LEAST = {
    "MANAGED_IDENTITY_CLIENT_ID": "m",
    "READER_CLIENT_ID": "r",
    "WRITER_CLIENT_ID": "w",
    "ServiceBusConnection__fullyQualifiedNamespace": "bus.servicebus.windows.net",
    "USER_CHANGES_TOPIC": "user-changes",
    "STORE_URL": "sqlite:///x",
    "NOTIFICATION_URL": "https://app/api/notifications",
}


@pytest.mark.parametrize(
    ("of_all", "of_target", "values"),
    [
        (None, None, False),
        (True, None, True),
        (None, True, True),
        (True, False, False),
        (False, True, True),
    ],
)
def test_values_are_logged_where_the_target_says_so_or_all_do(of_all, of_target, values):
    """A target's own word goes before that for all."""
    made = document(**({} if of_target is None else {"log": {"values": of_target}}))
    made |= {} if of_all is None else {"log": {"values": of_all}}
    assert parsed(made).targets[0].log.values is values


def test_what_a_mapping_redacts_is_known_from_the_start():
    """Whatever is switched on."""
    policy = target_of(log={"values": True}, mappings={"city": "Redact([city])"}).log
    assert (policy.values, policy.redacted, policy.withheld) == (True, {"city"}, {"city"})


def test_logging_values_makes_no_full_cycle_due():
    """It changes nobody."""
    assert target_of().rules == target_of(log={"values": True}).rules


def test_without_a_rule_the_logs_are_lines():
    """Small installations need no workspace."""
    settings = read_settings(LEAST)
    assert (settings.logs_ingestion_endpoint, settings.logs_rule_id, settings.application_insights) == (None,) * 3


def test_an_endpoint_and_its_rule_go_together():
    """One without the other is a mistake, and so is an address in the clear."""
    both = {"LOGS_INGESTION_ENDPOINT": "https://x.ingest.monitor.azure.com/", "LOGS_RULE_ID": "dcr-1"}
    settings = read_settings(LEAST | both)
    assert settings.logs_ingestion_endpoint == "https://x.ingest.monitor.azure.com"
    for name, value in both.items():
        with pytest.raises(ConfigurationError):
            read_settings(LEAST | {name: value})
    with pytest.raises(ConfigurationError):
        read_settings(LEAST | both | {"LOGS_INGESTION_ENDPOINT": "http://x"})


def test_a_connection_string_is_not_shown():
    """It opens nothing where local authentication is off; elsewhere it does."""
    settings = read_settings(LEAST | {"APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=the-key"})
    assert settings.application_insights == "InstrumentationKey=the-key"
    assert not settings.application_insights_by_identity
    assert "the-key" not in repr(settings)


def test_every_cloud_has_an_azure_monitor():
    """Its audience stands beside Graph's."""
    assert {cloud.monitor.rpartition(".")[2] for cloud in CLOUDS.values()} == {"com", "us", "cn"}
