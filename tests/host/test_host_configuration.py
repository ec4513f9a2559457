"""local.settings.json, the environment and host.json."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from sandbox.host.host_json import ServiceBusOptions, read_host_json
from sandbox.host.settings import (
    ConnectionString,
    NamespaceIdentity,
    SettingMissingError,
    Settings,
    exported,
    read_settings,
)

BUNDLE = {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"}


def _written(tmp_path, document, name="file.json"):
    path = tmp_path / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_environment_wins(tmp_path):
    """The environment wins over the settings file; names are looked up in any case."""
    path = _written(tmp_path, {"IsEncrypted": False, "Values": {"A": "file", "B": "file"}})
    settings, faults = read_settings(path, {"A": "environment"})
    assert not faults
    assert (settings.get("A"), settings.get("B"), settings.get("b"), settings.get("C")) == (
        "environment", "file", "file", None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ("{", ["file"]),
        ("[]", ["Values"]),
        ({"Values": []}, ["Values"]),
        ({"IsEncrypted": True, "Values": {"A": 1, "B": "x"}}, ["IsEncrypted", "Values.A"]),
    ],
)
def test_wrong_settings_file(tmp_path, document, fields):
    """A wrong settings file is refused, naming its fields."""
    _, faults = read_settings(_written(tmp_path, document), {})
    assert [fault.field for fault in faults] == fields


def test_absent_settings_file(tmp_path):
    """A settings file may be absent, unless it was named."""
    assert read_settings(tmp_path / "none.json", {})[1] == []
    assert [fault.field for fault in read_settings(tmp_path / "none.json", {}, required=True)[1]] == ["file"]


def test_exported():
    """Exported settings fill the environment, and leave it as it was."""
    environment = {"A": "kept"}
    with exported(Settings({"A": "other", "B": "added"}), environment):
        assert environment == {"A": "kept", "B": "added"}
    assert environment == {"A": "kept"}


def test_percent_names():
    """Names between percent signs are resolved within a text, in any case."""
    settings = Settings({"Name": "emea"})
    assert settings.resolve("sub-%NAME%-%name%") == "sub-emea-emea"
    with pytest.raises(SettingMissingError) as missing:
        settings.resolve("%NONE%")
    assert missing.value.setting == "NONE"


def test_connection():
    """A connection is a plain value, or else the parts under its prefix."""
    parts = {"Bus__fullyQualifiedNamespace": "n.servicebus.windows.net", "Bus__clientId": "id"}
    assert Settings(parts).connection("Bus") == NamespaceIdentity("n.servicebus.windows.net", "id")
    assert Settings({**parts, "Bus": "Endpoint=x"}).connection("Bus") == ConnectionString("Endpoint=x")
    with pytest.raises(SettingMissingError):
        Settings({"Bus__clientId": "id"}).connection("Bus")


def test_reprs_hide_values():
    """Settings and connections show no values in their repr."""
    assert "secret" not in repr(Settings({"Bus": "secret"}))
    assert "secret" not in repr(ConnectionString("secret"))


def test_host_json(tmp_path):
    """host.json gives the route prefix and the Service Bus options."""
    document = {
        "version": "2.0",
        "extensionBundle": BUNDLE,
        "extensions": {
            "http": {"routePrefix": "v1"},
            "serviceBus": {
                "maxMessageBatchSize": 20, "minMessageBatchSize": 2, "maxBatchWaitTime": "00:00:05",
                "autoCompleteMessages": False, "prefetchCount": 7, "maxConcurrentCalls": 3,
            },
        },
    }  # fmt: skip
    options, faults = read_host_json(_written(tmp_path, document), Settings({}))
    assert not faults
    assert (options.route_prefix, options.has_bundle) == ("v1", True)
    assert options.service_bus == ServiceBusOptions(7, 3, 20, 2, timedelta(seconds=5), auto_complete_messages=False)


def test_defaults(tmp_path):
    """What host.json leaves out has the extension's own default."""
    options, faults = read_host_json(_written(tmp_path, {"version": "2.0"}), Settings({}))
    assert not faults
    assert (options.route_prefix, options.has_bundle) == ("api", False)
    assert options.service_bus == ServiceBusOptions(0, 16, 1000, 1, timedelta(seconds=30), auto_complete_messages=True)


def test_overrides(tmp_path):
    """App settings override host.json, part by part."""
    path = _written(tmp_path, {"version": "2.0", "extensions": {"serviceBus": {"maxMessageBatchSize": 20}}})
    settings = Settings(
        {
            "AzureFunctionsJobHost__extensions__serviceBus__maxMessageBatchSize": "5",
            "AzureFunctionsJobHost__Extensions__Http__RoutePrefix": "x",
        }
    )
    options, faults = read_host_json(path, settings)
    assert not faults
    assert (options.service_bus.max_message_batch_size, options.route_prefix) == (5, "x")


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ("nonsense", ["file"]),
        ("[]", ["file"]),
        ({}, ["version"]),
        ({"version": "3.0"}, ["version"]),
        (
            {
                "version": "2.0",
                "extensionBundle": {"id": "x"},
                "extensions": {
                    "http": {"routePrefix": 1},
                    "serviceBus": {
                        "maxMessageBatchSize": 0, "maxBatchWaitTime": "soon", "autoCompleteMessages": "maybe",
                    },
                },
            },
            [
                "extensions.http.routePrefix", "extensionBundle.id", "extensionBundle.version",
                "extensions.serviceBus.maxMessageBatchSize", "extensions.serviceBus.maxBatchWaitTime",
                "extensions.serviceBus.autoCompleteMessages",
            ],
        ),
        (
            {
                "version": "2.0",
                "extensions": {"serviceBus": {"maxMessageBatchSize": 2, "minMessageBatchSize": 3}},
            },
            ["extensions.serviceBus.minMessageBatchSize"],
        ),
    ],
)  # fmt: skip
def test_wrong_host_json(tmp_path, document, fields):
    """A wrong host.json is refused, naming all its fields."""
    _, faults = read_host_json(_written(tmp_path, document), Settings({}))
    assert [fault.field for fault in faults] == fields
