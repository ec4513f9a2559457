"""Parameters of workbooks: what a reader is offered, and what stands in a query or text in their place."""

from __future__ import annotations

import json

import pytest
from contoso_rows import NOW, provisioning
from workbook_reader import TIME, over, parameters, query, read, result, text

from sandbox.monitor.tables.columns import ColumnType
from sandbox.monitor.tables.custom import PROVISIONING

FIXED = {"durationMs": 0, "startTime": "2026-11-01T08:00:00Z", "endTime": "2026-11-03T20:30:00Z"}


def asked(reader, name="step"):
    """The query that a step ran."""
    reader.step(name)
    return reader.runner.asked[-1]


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        ("{T}", {"durationMs": 86400000}, "> ago(1d)"),
        ("{T}", {"durationMs": 14400000}, "> ago(4h)"),
        ("{T:value}", {"durationMs": 1800000}, "> ago(30m)"),
        ("{T:query}", {"durationMs": 604800000}, "> ago(7d)"),
        ("{T:label}", {"durationMs": 86400000}, "Last 24 hours"),
        ("{T:label}", {"durationMs": 172800000}, "Last 48 hours"),
        ("{T:label}", {"durationMs": 259200000}, "Last 3 days"),
        ("{T:label}", {"durationMs": 3600000}, "Last hour"),
        ("{T:label}", {"durationMs": 1800000}, "Last 30 minutes"),
        ("{T:start}", {"durationMs": 86400000}, "datetime(2026-11-24T12:00:00.000Z)"),
        ("{T:end}", {"durationMs": 86400000}, "datetime(2026-11-25T12:00:00.000Z)"),
        ("{T:startISO}", {"durationMs": 86400000}, "2026-11-24T12:00:00.000Z"),
        ("{T:endISO}", {"durationMs": 86400000}, "2026-11-25T12:00:00.000Z"),
        ("{T:startDateISO}", {"durationMs": 86400000}, "2026-11-24T00:00:00.000Z"),
        ("{T:endDateISO}", {"durationMs": 86400000}, "2026-11-25T00:00:00.000Z"),
        ("{T:durationISO}", {"durationMs": 86400000}, "PT24H"),
        ("{T:durationISO}", {"durationMs": 1800000}, "PT30M"),
        ("{T:seconds}", {"durationMs": 86400000}, "86400"),
        ("{T:grain}", {"durationMs": 86400000}, "30m"),
        ("{T:grain}", {"durationMs": 3600000}, "1m"),
        ("{T:grain}", {"durationMs": 2592000000}, "12h"),
        ("{T}", FIXED, "between (datetime(2026-11-01T08:00:00.000Z) .. datetime(2026-11-03T20:30:00.000Z))"),
        ("{T:start}", FIXED, "datetime(2026-11-01T08:00:00.000Z)"),
        ("{T:label}", FIXED, "2026-11-01 08:00 UTC to 2026-11-03 20:30 UTC"),
    ],
)
def test_a_time_range_in_a_query(form, value, expected):
    """The forms of Microsoft's table of time parameters."""
    reader = read(parameters({"name": "T", "type": 4, "value": value}), query(form))
    assert asked(reader) == expected


def test_a_time_range_in_a_text_is_written_to_be_read():
    reader = read(parameters(TIME), text("{TimeRange}, from {TimeRange:start}"))
    assert reader.named("text")["html"] == "<p>Last 24 hours, from 2026-11-24 12:00 UTC</p>\n"


def test_a_reader_chooses_among_the_offered_ranges_or_any_span():
    offered = {"selectableValues": [{"durationMs": 3600000}, {"durationMs": 604800000}], "allowCustom": True}
    reader = read(parameters({**TIME, "typeSettings": offered}), query("{TimeRange}"))
    control = reader.control("TimeRange")
    assert [option["label"] for option in control["options"]] == ["Last hour", "Last 24 hours", "Last 7 days"]
    assert control["custom"] is True
    reader.choose("TimeRange", {"durationMs": 604800000})
    assert asked(reader) == "> ago(7d)"
    reader.choose("TimeRange", FIXED)
    assert asked(reader).startswith("between (datetime(2026-11-01")
    reader.choose("TimeRange", {"durationMs": "nonsense"})
    assert asked(reader) == "> ago(1d)"


TARGETS = '[{"value": "emea", "label": "Europe"}, {"value": "apac", "label": "Asia", "selected": true}]'
LIST = {"name": "Target", "type": 2, "jsonData": TARGETS}
ALL = {"typeSettings": {"additionalResourceOptions": ["value::all", "value::1"], "selectAllValue": "*"}}


@pytest.mark.parametrize(
    ("declared", "chosen", "expected"),
    [
        (LIST, None, "apac|Asia"),
        (LIST, ["emea"], "emea|Europe"),
        (LIST, "emea", "emea|Europe"),
        (LIST, ["unknown"], "apac|Asia"),
        (LIST, [], "|"),
        ({**LIST, "multiSelect": True}, ["emea", "apac"], "'emea','apac'|Europe, Asia"),
        (
            {**LIST, "multiSelect": True, "quote": '"', "delimiter": "; "},
            ["emea", "apac"],
            '"emea"; "apac"|Europe, Asia',
        ),
        ({**LIST, "multiSelect": True, "quote": "", "delimiter": "|"}, ["emea", "apac"], "emea|apac|Europe, Asia"),
        ({**LIST, **ALL, "multiSelect": True}, ["value::all"], "'*'|All"),
        ({**LIST, **ALL, "multiSelect": True}, ["value::1"], "'emea'|Europe"),
        ({**LIST, **ALL, "multiSelect": True, "value": ["value::all"]}, None, "'*'|All"),
        (
            {**LIST, "multiSelect": True, "typeSettings": {"additionalResourceOptions": ["value::all"]}},
            ["value::all"],
            "'emea','apac'|All",
        ),
        ({**LIST, "type": 10}, ["emea"], "emea|Europe"),
        ({**LIST, "jsonData": '["x", "y"]', "isRequired": True}, None, "x|x"),
        ({**LIST, "jsonData": '["x", "y"]', "defaultValue": "y"}, None, "y|y"),
    ],
)
def test_a_list_in_a_query(declared, chosen, expected):
    """Value and label; several values are quoted and joined as the file says, and All has its marker."""
    reader = read(parameters(declared), query("{Target}|{Target:label}"))
    if chosen is not None:
        reader.choose("Target", chosen)
    assert asked(reader) == expected


def test_a_list_comes_from_a_query_with_named_columns():
    kinds = {
        "label": ColumnType.STRING,
        "value": ColumnType.STRING,
        "group": ColumnType.STRING,
        "selected": ColumnType.BOOLEAN,
    }
    answers = result(kinds, ("Europe", "emea", "West", False), ("Asia", "apac", "East", True))
    reader = read(parameters({"name": "Target", "type": 2, "query": "targets"}), answers=answers)
    control = reader.control("Target")
    assert control["options"][0] == {"value": "emea", "label": "Europe", "group": "West"}
    assert control["value"] == ["apac"]


def test_a_list_comes_from_a_query_by_place():
    answers = result({"a": ColumnType.LONG, "b": ColumnType.STRING}, (1, "one"), (2, "two"), (1, "one"))
    reader = read(parameters({"name": "N", "type": 2, "query": "numbers", "isRequired": True}), answers=answers)
    assert [(one["value"], one["label"]) for one in reader.control("N")["options"]] == [("1", "one"), ("2", "two")]
    assert reader.control("N")["value"] == ["1"]


def test_a_list_whose_query_fails_says_so_and_the_rest_is_there(store):
    reader = over(store, parameters({"name": "Bad", "type": 2, "query": "NoSuch | take 1"}, TIME), text("fine"))
    assert "NoSuch" in reader.control("Bad")["error"]
    assert reader.control("TimeRange")["value"]["durationMs"] == 86400000
    assert reader.named("text")["html"] == "<p>fine</p>\n"


def test_a_later_parameter_sees_the_earlier_ones_and_a_text_asks_a_query_for_its_default(store):
    store.add(PROVISIONING.name, [PROVISIONING.row(row) for row in provisioning()])
    default = "CrosstenantProvisioning_CL | where Target == '{Target}' | count"
    reader = over(store, parameters({**LIST, "value": "emea"}, {"name": "Most", "type": 1, "query": default}))
    assert reader.control("Most")["value"] == "48"
    reader.choose("Most", "7")
    assert reader.control("Most")["value"] == "7"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("{P}", 'O\'Brien "x" \\'),
        ("{P:escape}", 'O\\\'Brien \\"x\\" \\\\'),
        ("{P:escapejson}", 'O\'Brien \\"x\\" \\\\'),
        ("{P:base64}", "TydCcmllbiAieCIgXA=="),
        ("{P:label}", 'O\'Brien "x" \\'),
        ("dynamic({'a': 1}) {Unknown} {P", "dynamic({'a': 1}) {Unknown} {P"),
    ],
)
def test_forms_of_a_text(form, expected):
    reader = read(parameters({"name": "P", "type": 1}), query(form))
    reader.choose("P", 'O\'Brien "x" \\')
    assert asked(reader) == expected


@pytest.mark.parametrize(
    ("form", "expected"), [("{P:$.a.b}", "x"), ("{P:$.list[1]}", "2"), ("{P:$.no}", ""), ("{P:$.a}", '{"b": "x"}')]
)
def test_a_part_of_a_json_text(form, expected):
    reader = read(
        parameters({"name": "P", "type": 1, "value": json.dumps({"a": {"b": "x"}, "list": [1, 2]})}), query(form)
    )
    assert asked(reader) == expected


def test_markup_and_markdown_of_a_value_stay_text():
    """A name that somebody chose can neither make HTML nor links nor emphasis in a text."""
    reader = read(parameters({"name": "P", "type": 1}), text("Hello {P}"))
    reader.choose("P", "<img src=x onerror=alert(1)> **x** [y](javascript:alert(2)) `z`")
    html = reader.named("text")["html"]
    assert html == ("<p>Hello &lt;img src=x onerror=alert(1)&gt; **x** [y](javascript:alert(2)) `z`</p>\n")


def test_html_of_the_author_stays_text_and_script_addresses_are_no_links():
    reader = read(text("<script>alert(1)</script>\n\n[a](javascript:alert(1)) [b](https://example.com)"))
    html = reader.named("text")["html"]
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert '<a href="https://example.com">b</a>' in html


def test_a_required_parameter_without_a_value_holds_the_query_up():
    reader = read(
        parameters({"name": "Person", "type": 1, "isRequired": True}), query("where x == '{Person}'"), text("{Person}")
    )
    assert reader.step("step") == {"kind": "message", "text": "Waits for Person.", "style": "waiting"}
    assert reader.runner.asked == []
    assert reader.named("text")["html"] == "<p>&lt;unset&gt;</p>\n"


def test_an_optional_parameter_without_a_value_is_empty_in_a_query():
    reader = read(parameters({"name": "Person", "type": 1}), query("where x == '{Person}'"))
    assert asked(reader) == "where x == ''"


def test_rules_of_a_text_are_told_beside_it():
    rules = [{"regExp": "^[a-z]+$", "match": True, "message": "small letters only"}]
    reader = read(parameters({"name": "P", "type": 1, "typeSettings": {"paramValidationRules": rules}}))
    assert reader.control("P")["error"] == ""
    reader.choose("P", "No")
    assert reader.control("P")["error"] == "small letters only"


def test_resources_are_this_workspace_and_unknown_types_are_said():
    reader = read(parameters({"name": "Workspace", "type": 5}, {"name": "Odd", "type": 99}), text("{Workspace}"))
    assert reader.control("Workspace")["text"] == "this workspace"
    assert "99" in reader.control("Odd")["error"]


def test_a_hidden_parameter_has_no_control_but_a_value():
    reader = read(parameters({"name": "P", "type": 1, "value": "x", "isHiddenWhenLocked": True}), query("{P}"))
    assert reader.named("parameters")["controls"] == []
    assert asked(reader) == "x"


def test_items_see_only_what_stands_before_them():
    """As in Azure: a text above its parameter shows the braces."""
    reader = read(
        text("{P}", name="above"), parameters({"name": "P", "type": 1, "value": "x"}), text("{P}", name="below")
    )
    assert reader.named("above")["html"] == "<p>{P}</p>\n"
    assert reader.named("below")["html"] == "<p>x</p>\n"


@pytest.mark.parametrize(("exported", "expected"), [(True, "x"), (False, "{P}")])
def test_a_groups_parameters_are_its_own_unless_it_exports_them(exported, expected):
    group = {
        "type": 12,
        "name": "group",
        "content": {"items": [parameters({"name": "P", "type": 1, "value": "x"})], "exportParameters": exported},
    }
    assert asked(read(group, query("{P}"))) == expected


def test_a_time_range_is_bound_to_a_step_by_its_name_or_its_own_context():
    reader = read(
        parameters(TIME),
        query("a", name="bound", timeContextFromParameter="TimeRange"),
        query("b", name="own", timeContext={"durationMs": 3600000}),
        query("c", name="free", timeContext={"durationMs": 0}),
    )
    for name in ("bound", "own", "free"):
        reader.step(name)
    bound, own, free = reader.runner.bounds
    assert ((bound.end - bound.start).days, bound.end) == (1, NOW)
    assert (own.end - own.start).seconds == 3600
    assert free is None
