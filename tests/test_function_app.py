"""The app as the Functions host indexes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

ALWAYS = {"notifications", "health", "keep_subscriptions", "catch_up", "full_cycle", "control"}
"""The functions that are there whatever the targets."""

INDEX = """
import json, sys
import function_app
found = function_app.app.get_functions()
functions = {one.get_function_name(): json.loads(one.get_function_json())["bindings"] for one in found}
guarded = [one.get_function_name() for one in found if hasattr(one.get_user_function(), "__wrapped__")]
print(json.dumps({"functions": functions, "modules": sorted(sys.modules), "guarded": guarded}))
"""


def index(tmp_path: Path, sync: str | None) -> dict:
    """What the host finds, with the given sync.yaml; in a process of its own, as every worker is."""
    environment = dict(os.environ)
    if sync is not None:
        (tmp_path / "sync.yaml").write_text(sync, encoding="utf-8")
        environment["SYNC_FILE"] = str(tmp_path / "sync.yaml")
    done = subprocess.run(
        [sys.executable, "-c", INDEX], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_one_function_for_each_target(tmp_path):
    """The targets of sync.yaml become functions with a subscription each."""
    functions = index(tmp_path, None)["functions"]
    assert set(functions) == ALWAYS | {"provision_emea", "provision_apac"}
    [trigger] = functions["provision_emea"]
    assert trigger["type"] == "serviceBusTrigger"
    assert (trigger["topicName"], trigger["subscriptionName"]) == ("%USER_CHANGES_TOPIC%", "emea")
    assert (trigger["connection"], trigger["cardinality"].lower()) == ("ServiceBusConnection", "many")


def test_no_function_lets_the_text_of_a_defect_out(tmp_path):
    """The host would log it; `telling_no_values` stands before each of them."""
    found = index(tmp_path, None)
    assert set(found["guarded"]) == set(found["functions"])


def test_only_the_webhook_is_anonymous(tmp_path):
    """Graph cannot send a function key; everything else asks for one."""
    functions = index(tmp_path, None)["functions"]
    levels = {
        name: binding["authLevel"].lower()
        for name, bindings in functions.items()
        for binding in bindings
        if binding["type"] == "httpTrigger"
    }
    assert levels == {"notifications": "anonymous", "health": "function"}


def test_indexing_loads_nothing_heavy(tmp_path):
    """A cold start has seconds: no Graph, no credentials, no bus, no store, no validation."""
    loaded = {name.partition(".")[0] for name in index(tmp_path, None)["modules"]}
    modules = set(index(tmp_path, None)["modules"])
    assert not loaded & {"msgraph", "msgraph_core", "kiota_http", "httpx", "aiohttp", "pydantic", "regex", "sqlite3"}
    assert not modules & {"azure.identity", "azure.servicebus", "azure.data.tables", "azure.monitor"}


def test_a_wrong_sync_file_leaves_the_other_functions_standing(tmp_path):
    """One exception while indexing would make every function disappear; health has to be there to say why."""
    for sync in ("targets: [", "targets: 7", "", "targets: [{name: 7}, {name: 'no good'}, x]"):
        assert set(index(tmp_path, sync)["functions"]) == ALWAYS


def test_a_name_that_appears_twice_makes_one_function(tmp_path):
    """The fault is health's to report; indexing goes on."""
    functions = index(tmp_path, "targets: [{name: a-b}, {name: a-b}, {name: c}]")["functions"]
    assert {name for name in functions if name.startswith("provision")} == {"provision_a_b", "provision_c"}
