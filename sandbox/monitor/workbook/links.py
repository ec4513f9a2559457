"""Links items: tabs, and links that set a parameter, open an address or lead to another item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sandbox.monitor.workbook.document import Json, objects
from sandbox.monitor.workbook.scope import Parameter, Scope

if TYPE_CHECKING:
    from sandbox.monitor.workbook.choices import Choices
    from sandbox.monitor.workbook.document import Item

_STYLES: Final = frozenset({"tabs", "list", "bullets", "paragraph", "nav", "toolbar"})


def resolve(item: Item, scope: Scope, choices: Choices) -> dict[str, Any]:
    """Set what the links set, and return the item for the page. The first tab is chosen until another one is."""
    style = str(item.content.get("style") or "list")
    tabs = style == "tabs"
    links = objects(item.content.get("links"))
    for name in dict.fromkeys(str(link.get("cellValue")) for link in links if link.get("linkTarget") == "parameter"):
        values = [str(link.get("subTarget") or "") for link in links if link.get("cellValue") == name]
        chosen = choices.get(item.id, name)
        if isinstance(chosen, str) and (chosen in values or not tabs):
            scope.set(Parameter(name, chosen, chosen))
        elif tabs and name not in choices.global_parameters:
            scope.set(Parameter(name, values[0], values[0]))
        elif scope.get(name) is None:
            scope.set(Parameter(name))
    return {
        "style": style if style in _STYLES else "list",
        "links": [_link(link, item, scope, choices) for link in links],
    }


def _link(link: Json, item: Item, scope: Scope, choices: Choices) -> dict[str, Any]:
    target = str(link.get("linkTarget") or "Url")
    shown: dict[str, Any] = {
        "label": scope.text(link.get("linkLabel")) or scope.text(link.get("cellValue")),
        "before": scope.text(link.get("preText")),
        "after": scope.text(link.get("postText")),
        "look": str(link.get("style") or "link"),
        "selected": False,
    }
    match target.lower():
        case "parameter":
            name, value = str(link.get("cellValue") or ""), str(link.get("subTarget") or "")
            shown |= {
                "action": "set",
                "key": choices.key(item.id, name),
                "value": value,
                "selected": scope.value(name) == value,
            }
        case "url":
            address = safe_address(scope.text(link.get("cellValue")))
            shown |= {"action": "open", "href": address} if address else _unable("Its address is not of the web.")
        case "step":
            shown |= {"action": "scroll", "step": str(link.get("cellValue") or "")}
        case _:
            shown |= _unable(f"A link to {target} leads into the Azure portal.")
    return shown


def safe_address(text: str) -> str | None:
    """The address where it is one of the web or of mail, else None."""
    try:
        scheme = urlsplit(text.strip()).scheme.lower()
    except ValueError:
        return None
    return text.strip() if scheme in {"http", "https", "mailto"} else None


def _unable(why: str) -> dict[str, Any]:
    return {"action": "none", "note": why}
