// Links and tabs. Tabs are walked with the arrow keys, Home and End, as WAI-ARIA has it.
import { make, replaceChildren } from "./dom.js";

/** Render into the body; `set` takes a parameter's key and value, `scroll` the name of a step. */
export function renderLinks(body, item, { set, scroll }) {
  if (item.style === "tabs") renderTabs(body, item, set);
  else renderList(body, item, set, scroll);
}

function renderTabs(body, item, set) {
  const tabs = item.links.map((link, index) => make("button", {
    text: link.label,
    attributes: { type: "button", role: "tab", "aria-selected": String(link.selected), tabindex: link.selected || (index === 0 && !item.links.some((one) => one.selected)) ? "0" : "-1", "aria-controls": "workbook", title: link.note, "data-focus": `tab/${index}` },
    properties: { disabled: link.action !== "set" },
    on: { click: () => set(link.key, link.value) },
  }));
  const list = make("div", { classes: "tabs", attributes: { role: "tablist", "aria-label": item.name || "Tabs" } }, ...tabs);
  list.addEventListener("keydown", (event) => {
    const open = tabs.filter((tab) => !tab.disabled);
    const at = open.indexOf(document.activeElement);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: open.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const tab = open[(next + open.length) % open.length];
    tab.focus();
    tab.click();
  });
  const focused = body.contains(document.activeElement);
  replaceChildren(body, list);
  if (focused) list.querySelector('[aria-selected="true"]')?.focus({ preventScroll: true });
}

function renderList(body, item, set, scroll) {
  const shown = item.links.map((link, index) => {
    const parts = [];
    if (link.before) parts.push(make("span", { text: `${link.before} ` }));
    parts.push(one(link, index, set, scroll));
    if (link.after) parts.push(make("span", { text: ` ${link.after}` }));
    return parts;
  });
  const list = make("div", { classes: "links", attributes: { "data-style": item.style } });
  if (item.style === "bullets") list.append(make("ul", {}, ...shown.map((parts) => make("li", {}, ...parts))));
  else list.append(...shown.map((parts) => make("span", {}, ...parts)));
  replaceChildren(body, list);
}

function one(link, index, set, scroll) {
  const look = link.look === "primary" ? "primary" : link.look === "secondary" ? "plain" : "link";
  if (link.action === "open") {
    return make("a", { text: link.label, attributes: { href: link.href, target: "_blank", rel: "noopener noreferrer" } });
  }
  if (link.action === "none") return make("span", { text: link.label, attributes: { title: link.note } });
  return make("button", {
    classes: look, text: link.label, attributes: { type: "button", "data-focus": `link/${index}` },
    on: { click: () => (link.action === "set" ? set(link.key, link.value) : scroll(link.step)) },
  });
}
