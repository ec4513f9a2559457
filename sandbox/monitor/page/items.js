// The items of a workbook, kept in place over refreshes: only what is different is drawn again.
import { make, tune } from "./dom.js";
import { renderLinks } from "./links.js";
import { renderParameters } from "./parameters.js";
import { Step } from "./step.js";

/** The items under one parent. `page` has set(key, value), scroll(name) and steps, a map of the visible query steps. */
export class Items {
  constructor(parent, page) {
    this.page = page;
    this.list = make("div", { classes: "items" });
    this.shown = new Map();
    parent.append(this.list);
  }

  update(items) {
    const wanted = new Set(items.map((item) => item.id));
    for (const [id, one] of this.shown) {
      if (!wanted.has(id)) {
        one.leave?.();
        one.element.remove();
        this.shown.delete(id);
      }
    }
    items.forEach((item, index) => {
      let one = this.shown.get(item.id);
      if (!one || one.kind !== item.kind) {
        one?.leave?.();
        one?.element.remove();
        one = MAKERS[item.kind](item, this.page);
        one.kind = item.kind;
        one.element.classList.add("item");
        one.element.dataset.item = item.id;
        one.element.dataset.name = item.name;
        if (item.width) {
          one.element.dataset.width = item.width;
          tune(one.element, { "--share": `${item.width}%` });
        }
        this.shown.set(item.id, one);
      }
      if (this.list.children[index] !== one.element) this.list.insertBefore(one.element, this.list.children[index] ?? null);
      const { items: inner, ...own } = item;
      const signature = JSON.stringify(own);
      if (one.signature !== signature) {
        one.signature = signature;
        one.draw?.(item);
      }
      one.inner?.update(inner ?? []);
    });
  }

  leave() {
    for (const one of this.shown.values()) one.leave?.();
  }
}

const MAKERS = {
  text: () => {
    const element = make("div");
    const body = make("div", { classes: "text" });
    element.append(body);
    return {
      element,
      draw: (item) => {
        body.innerHTML = item.html; // made by the server's Markdown package, which keeps no HTML of the author
        for (const anchor of body.querySelectorAll("a")) Object.assign(anchor, { target: "_blank", rel: "noopener noreferrer" });
        body.classList.toggle("note", Boolean(item.style));
        body.dataset.tone = item.style;
      },
    };
  },
  parameters: (_, page) => {
    const body = make("div", { classes: "parameters" });
    return { element: make("div", {}, body), draw: (item) => renderParameters(body, item.controls, page.set) };
  },
  links: (_, page) => {
    const body = make("div");
    return { element: make("div", {}, body), draw: (item) => renderLinks(body, item, page) };
  },
  group: (item, page) => {
    const element = make("section", { classes: "group" });
    if (!item.expandable) {
      if (item.title) element.append(make("h2", { classes: "group-head", text: item.title }));
      const inner = new Items(element, page);
      return { element, inner, leave: () => inner.leave() };
    }
    const fold = make("details", { properties: { open: item.expanded } }, make("summary", { text: item.title || "More" }));
    element.append(fold);
    const inner = new Items(fold, { ...page, open: () => fold.open && page.open() });
    fold.addEventListener("toggle", () => page.refresh());
    return { element, inner, leave: () => inner.leave() };
  },
  query: (item, page) => {
    const step = new Step(item, page);
    page.steps.set(item.id, step);
    return { element: step.element, draw: (changed) => step.retitle(changed), leave: () => page.steps.delete(item.id) };
  },
  unsupported: (item) => ({ element: make("div", {}, make("p", { classes: "message", text: item.text, attributes: { "data-style": "unsupported" } })) }),
};
