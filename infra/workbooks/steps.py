"""Azure's form of each step of the layout: parameters, tabs, groups, texts, grids, tiles and charts.

The one place that knows the workbook format. Numbers such as a formatter's are Azure's, and are named here. Queries
come from a function that is given; no file is read here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Item = dict[str, Any]
    Query = Callable[[str], str]

_NAMESPACE: Final = UUID("0b6f0f5e-3a0e-4d5c-9b0e-5a2f0c7b1d42")

_TEXT, _QUERY, _PARAMETERS, _LINKS, _GROUP = 1, 3, 9, 11, 12  # types of items
_PARAMETER_TYPES: Final = {"text": 1, "choice": 2, "time": 4}
_TEXT_FORMAT, _BAR_FORMAT, _BIG_NUMBER_FORMAT, _THRESHOLDS_FORMAT = 1, 4, 12, 18  # formatters
_PLAIN_NUMBER: Final = 17  # a unit
_GOOD_NEWS: Final = 3  # a style of "no data"
_LOGS: Final = 0  # a type of query
_WORKSPACES: Final = "microsoft.operationalinsights/workspaces"

_HOUR: Final = 3_600_000  # milliseconds
_DAY: Final = 24 * _HOUR
_DEFAULT_RANGE: Final = _DAY
_RANGES: Final = (_HOUR, 4 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 90 * _DAY)


def items_of(layout: Mapping[str, Any], query: Query) -> list[Item]:
    """All items of a workbook, from its layout."""
    return [
        {"type": _TEXT, "content": {"json": f"# {layout['title']}"}, "name": "title"},
        _parameters("parameters", layout["parameters"], query),
        _tabs(layout["tabs"]),
        *(_tab(tab, layout["icons"], query) for tab in layout["tabs"]),
    ]


def _id(*names: str) -> str:
    return str(uuid5(_NAMESPACE, "/".join(names)))


def _parameters(step: str, parameters: list[Mapping[str, Any]], query: Query) -> Item:
    return {
        "type": _PARAMETERS,
        "content": {
            "version": "KqlParameterItem/1.0",
            "parameters": [_parameter(step, one, query) for one in parameters],
            "style": "pills" if len(parameters) > 1 else "above",
            "queryType": _LOGS,
            "resourceType": _WORKSPACES,
        },
        "name": step,
    }


def _parameter(step: str, one: Mapping[str, Any], query: Query) -> Item:
    item: Item = {
        "id": _id(step, one["name"]),
        "version": "KqlParameterItem/1.0",
        "name": one["name"],
        "label": one["label"],
        "description": one["description"],
        "type": _PARAMETER_TYPES[one["type"]],
        "isRequired": one["type"] != "text",
    }
    match one["type"]:
        case "time":
            item["value"] = {"durationMs": _DEFAULT_RANGE}
            item["typeSettings"] = {
                "selectableValues": [{"durationMs": duration} for duration in _RANGES],
                "allowCustom": True,
            }
        case "choice":
            item |= {
                "multiSelect": True,
                "quote": "'",
                "delimiter": ",",
                "value": ["value::all"],
                "defaultValue": "value::all",
                "typeSettings": {
                    "additionalResourceOptions": ["value::all"],
                    "selectAllValue": "*",
                    "showDefault": False,
                },
            }
            if "query" in one:
                item |= {
                    "query": query(one["query"]),
                    "queryType": _LOGS,
                    "resourceType": _WORKSPACES,
                    "timeContext": {"durationMs": 30 * _DAY},
                }
            else:
                item["jsonData"] = json.dumps([{"value": value, "label": value} for value in one["values"]])
        case _:
            item["value"] = ""
    return item


def _tabs(tabs: list[Mapping[str, Any]]) -> Item:
    return {
        "type": _LINKS,
        "content": {
            "version": "LinkItem/1.0",
            "style": "tabs",
            "links": [
                {
                    "id": _id("tab", tab["name"]),
                    "cellValue": "tab",
                    "linkTarget": "parameter",
                    "linkLabel": tab["label"],
                    "subTarget": tab["name"],
                    "style": "link",
                }
                for tab in tabs
            ],
        },
        "name": "tabs",
    }


def _tab(tab: Mapping[str, Any], icons: Mapping[str, Mapping[str, str]], query: Query) -> Item:
    items = [_step(step, icons, query) for step in tab["steps"]]
    before = [_parameters(f"{tab['name']}-parameters", tab["parameters"], query)] if "parameters" in tab else []
    if "hint" in tab:
        hint = {"json": tab["hint"]["text"], "style": "info"}
        visible = _visible(tab["hint"]["parameter"], "isEqualTo", "")
        before.append({"type": _TEXT, "content": hint, **visible, "name": f"{tab['name']}-hint"})
    if "needs" in tab:
        items = [{**_group(items), **_visible(tab["needs"], "isNotEqualTo", ""), "name": f"{tab['name']}-found"}]
    return {**_group(before + items), **_visible("tab", "isEqualTo", tab["name"]), "name": tab["name"]}


def _group(items: list[Item]) -> Item:
    return {"type": _GROUP, "content": {"version": "NotebookGroup/1.0", "groupType": "editable", "items": items}}


def _visible(parameter: str, comparison: str, value: str) -> Item:
    return {"conditionalVisibility": {"parameterName": parameter, "comparison": comparison, "value": value}}


def _step(step: Mapping[str, Any], icons: Mapping[str, Mapping[str, str]], query: Query) -> Item:
    content: Item = {
        "version": "KqlItem/1.0",
        "query": query(step["query"]),
        "size": 4 if step["show"] == "tiles" else 0,
        "title": step["title"],
        "noDataMessage": step["empty"],
        "queryType": _LOGS,
        "resourceType": _WORKSPACES,
        "visualization": step["show"],
    }
    if step.get("good"):
        content["noDataMessageStyle"] = _GOOD_NEWS
    if "history" in step:  # the query says itself how far it looks back, at most as far as this
        content["timeContext"] = {"durationMs": step["history"] * _DAY}
    else:
        content["timeContextFromParameter"] = "TimeRange"
    match step["show"]:
        case "tiles":
            content["tileSettings"] = _tiles(step["tiles"])
        case "table":
            content["gridSettings"] = _grid(step, icons)
            content["showExportToExcel"] = True
        case "timechart":
            content["chartSettings"] = _chart(step["chart"])
    if "export" in step:
        export = step["export"]
        content |= {
            "exportFieldName": export["column"],
            "exportParameterName": export["parameter"],
            "exportDefaultValue": export["default"],
        }
    item: Item = {"type": _QUERY, "content": content}
    if "needs" in step:
        item |= _visible(step["needs"]["parameter"], "isNotEqualTo", step["needs"]["not"])
    if "width" in step:
        item["customWidth"] = str(step["width"])
    return {**item, "name": step["query"]}


def _tiles(tiles: Mapping[str, Any]) -> Item:
    number = {
        "unit": _PLAIN_NUMBER,
        "options": {"style": "decimal", "useGrouping": True, "maximumFractionDigits": tiles["decimals"]},
    }
    return {
        "titleContent": {"columnMatch": tiles["title"], "formatter": _TEXT_FORMAT},
        "leftContent": {
            "columnMatch": tiles["value"],
            "formatter": _BIG_NUMBER_FORMAT,
            "formatOptions": {"palette": "none"},
            "numberFormat": number,
        },
        "secondaryContent": {"columnMatch": tiles["note"], "formatter": _TEXT_FORMAT},
        "showBorder": True,
        "sortCriteriaField": tiles["order"],
        "sortOrderField": 1,
    }


def _grid(step: Mapping[str, Any], icons: Mapping[str, Mapping[str, str]]) -> Item:
    formatters = [_icons(column, icons[column]) for column in step.get("icons", [])]
    formatters += [
        {"columnMatch": column, "formatter": _BAR_FORMAT, "formatOptions": {"min": 0, "palette": "blue"}}
        for column in step.get("bars", [])
    ]
    settings: Item = {"formatters": formatters, "filter": True}
    if "labels" in step:
        settings["labelSettings"] = [{"columnId": column, "label": label} for column, label in step["labels"].items()]
    return settings


def _icons(column: str, words: Mapping[str, str]) -> Item:
    grid = [
        {
            "operator": "Default" if word == "Default" else "==",
            "thresholdValue": None if word == "Default" else word,
            "representation": icon,
            "text": "{0}{1}",
        }
        for word, icon in words.items()
    ]
    options = {"thresholdsOptions": "icons", "thresholdsGrid": grid}
    return {"columnMatch": column, "formatter": _THRESHOLDS_FORMAT, "formatOptions": options}


def _chart(chart: Mapping[str, Any]) -> Item:
    settings: Item = {"xAxis": chart["x"], "yAxis": chart["y"], "showLegend": True}
    if "group" in chart:
        settings |= {"group": chart["group"], "createOtherGroup": 0}
    return settings
