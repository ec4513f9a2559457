"""Tabs, links, visibility, groups and exported parameters: what a reader sees after which choice."""

from __future__ import annotations

import pytest
from workbook_reader import parameters, query, read, result, text

from sandbox.monitor.tables.columns import ColumnType
from sandbox.monitor.workbook import document


def visible_if(parameter, value, comparison="isEqualTo"):
    condition = {"parameterName": parameter, "comparison": comparison}
    return {"conditionalVisibility": condition if value is None else {**condition, "value": value}}


def tabs(**more):
    links = [
        {"cellValue": "tab", "linkTarget": "parameter", "linkLabel": label, "subTarget": value, "style": "link"}
        for label, value in (("First", "one"), ("Second", "two"))
    ]
    return {"type": 11, "name": "tabs", "content": {"style": "tabs", "links": links}, **more}


def test_the_first_tab_is_chosen_until_another_one_is():
    reader = read(
        tabs(), text("1", name="one", **visible_if("tab", "one")), text("2", name="two", **visible_if("tab", "two"))
    )
    first, second = reader.named("tabs")["links"]
    assert (first["selected"], second["selected"]) == (True, False)
    assert reader.named("one")
    assert not reader.named("two")
    reader.choices[second["key"]] = second["value"]
    assert reader.named("two")
    assert not reader.named("one")


@pytest.mark.parametrize(
    ("condition", "value", "visible"),
    [
        (visible_if("P", "a"), "a", True),
        (visible_if("P", "a"), "b", False),
        (visible_if("P", "a", "isNotEqualTo"), "b", True),
        (visible_if("P", None, "isNotEqualTo"), "b", True),
        (visible_if("P", None, "isNotEqualTo"), "", False),
        (visible_if("Nowhere", "a"), "a", False),
        (
            {
                "conditionalVisibilities": [
                    visible_if("P", "a")["conditionalVisibility"],
                    visible_if("P", "b")["conditionalVisibility"],
                ]
            },
            "a",
            False,
        ),
        ({"conditionalVisibilities": [visible_if("P", "a")["conditionalVisibility"]]}, "a", True),
    ],
)
def test_visibility_compares_a_parameter_with_a_value(condition, value, visible):
    reader = read(parameters({"name": "P", "type": 1, "value": value}), text("x", **condition))
    assert bool(reader.named("text")) is visible


def test_a_hidden_parameters_item_still_sets_its_values():
    """Authors hide items that only carry values."""
    hidden = parameters({"name": "P", "type": 1, "value": "x"}, **visible_if("never", "shown"))
    assert read(hidden, text("{P}")).named("text")["html"] == "<p>x</p>\n"


def test_a_hidden_group_asks_no_query():
    group = {
        "type": 12,
        "name": "group",
        "content": {"items": [parameters({"name": "P", "type": 2, "query": "expensive"})]},
        **visible_if("never", "shown"),
    }
    reader = read(group)
    assert reader.items == []
    assert reader.runner.asked == []


def test_groups_nest_and_carry_width_and_title():
    inner = {"type": 12, "name": "inner", "content": {"title": "In", "items": [text("deep")]}}
    outer = {"type": 12, "name": "outer", "customWidth": "50", "content": {"items": [inner], "expandable": True}}
    [shown] = read(outer).items
    assert (shown["width"], shown["expandable"], shown["expanded"]) == ("50", True, False)
    assert shown["items"][0]["title"] == "In"
    assert shown["items"][0]["items"][0]["id"] == "0.0.0"


def test_links_set_parameters_open_addresses_and_lead_to_items():
    links = [
        {"cellValue": "P", "linkTarget": "parameter", "linkLabel": "Set", "subTarget": "x", "style": "primary"},
        {"cellValue": "https://example.com/{P}", "linkTarget": "Url", "linkLabel": "Open"},
        {"cellValue": "javascript:alert(1)", "linkTarget": "Url", "linkLabel": "Bad"},
        {"cellValue": "text", "linkTarget": "step", "linkLabel": "Go"},
        {"linkTarget": "OpenBlade", "linkLabel": "Portal"},
    ]
    reader = read({"type": 11, "name": "links", "content": {"style": "list", "links": links}}, text("{P}"))
    shown = reader.named("links")["links"]
    assert [link["action"] for link in shown] == ["set", "open", "none", "scroll", "none"]
    assert "OpenBlade" in shown[4]["note"]
    reader.choices[shown[0]["key"]] = shown[0]["value"]
    assert reader.named("text")["html"] == "<p>x</p>\n"
    assert reader.named("links")["links"][1]["href"] == "https://example.com/x"


def test_a_global_parameter_is_one_for_the_whole_workbook():
    """A link below changes what stands above it."""
    link = {"cellValue": "P", "linkTarget": "parameter", "linkLabel": "Set", "subTarget": "two", "style": "link"}
    reader = read(
        parameters({"name": "P", "type": 1, "value": "one", "isGlobal": True}),
        text("{P}"),
        {"type": 11, "name": "links", "content": {"style": "list", "links": [link]}},
    )
    shown = reader.named("links")["links"][0]
    assert shown["key"] == reader.control("P")["key"]
    reader.choices[shown["key"]] = shown["value"]
    assert reader.named("text")["html"] == "<p>two</p>\n"


ROWS = result({"Name": ColumnType.STRING, "Count": ColumnType.LONG}, ("emea", 3), ("apac", 5))


def test_a_chosen_row_exports_its_field_to_what_stands_below():
    grid = query("q", name="grid", exportFieldName="Name", exportParameterName="Chosen", exportDefaultValue="none")
    reader = read(grid, text("{Chosen}"), answers=ROWS)
    assert reader.named("text")["html"] == "<p>none</p>\n"
    first, second = reader.step("grid")["rows"]
    assert first["selected"] is False
    reader.choices |= second["sets"]
    assert reader.named("text")["html"] == "<p>apac</p>\n"
    assert [row["selected"] for row in reader.step("grid")["rows"]] == [False, True]


def test_several_parameters_are_exported_at_once_and_a_row_as_json():
    exported = [
        {"fieldName": "Name", "parameterName": "A"},
        {"fieldName": "Count", "parameterName": "B"},
        {"parameterName": "Row"},
    ]
    reader = read(query("q", name="grid", exportedParameters=exported), text("{A} {B} {Row:$.Name}"), answers=ROWS)
    reader.choices |= reader.step("grid")["rows"][0]["sets"]
    assert reader.named("text")["html"] == "<p>emea 3 emea</p>\n"


def test_a_tile_exports_as_a_row_does():
    settings = {"titleContent": {"columnMatch": "Name", "formatter": 1}}
    step = query(
        "q", name="tiles", visualization="tiles", tileSettings=settings, exportFieldName="Name", exportParameterName="C"
    )
    reader = read(step, text("{C}"), answers=ROWS)
    reader.choices |= reader.step("tiles")["tiles"][1]["sets"]
    assert reader.named("text")["html"] == "<p>apac</p>\n"


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"type": 10, "name": "m", "content": {}}, "Platform metrics"),
        ({"type": 77, "name": "m", "content": {}}, "type 77"),
        ({"type": 12, "name": "m", "content": {"groupType": "template"}}, "another template"),
    ],
)
def test_what_cannot_be_shown_is_said_in_its_place(item, said):
    [shown] = read(item).items
    assert shown["kind"] == "unsupported"
    assert said in shown["text"]


@pytest.mark.parametrize(
    "content", ["", "[]", '{"version": "Notebook/2.0", "items": []}', '{"version": "Notebook/1.0"}']
)
def test_a_file_that_is_no_workbook_is_refused(content):
    with pytest.raises(document.WorkbookInvalidError):
        document.read(content, "test")


def test_content_that_is_text_is_read_as_json():
    """As older files have it."""
    item = {"type": 1, "name": "text", "content": '{"json": "old"}'}
    assert read(item).named("text")["html"] == "<p>old</p>\n"
