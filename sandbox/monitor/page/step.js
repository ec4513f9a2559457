// One query step: asks for what it shows, and draws it when it is another than before.
import { load, renderChart } from "./charts.js";
import { make, replaceChildren } from "./dom.js";
import { renderGrid } from "./grid.js";
import { renderTiles } from "./tiles.js";
import * as api from "./api.js";

export class Step {
  constructor(item, page) {
    this.id = item.id;
    this.page = page;
    this.memory = {}; // what the reader did to it: order, filter, table or chart
    this.title = make("h3");
    this.head = make("div", { classes: "step-head" }, this.title);
    this.body = make("div", { classes: "body" }, make("p", { classes: "waiting", text: "Running the query …" }));
    this.box = make("section", { classes: "step" }, this.head, this.body);
    this.element = make("div", {}, this.box);
    this.text = null;
    this.retitle(item);
    if (item.chart) load().catch(() => {}); // the chart itself says when it could not be
  }

  retitle(item) {
    this.item = item;
    this.title.textContent = item.title;
    this.title.hidden = !item.title;
    if (item.title) this.box.setAttribute("aria-label", item.title);
  }

  /** Whether anybody can see it: not while a group above it is folded. */
  get open() {
    return this.page.open();
  }

  /** Ask, and draw unless the answer is the same; `current` says whether the question still stands. */
  async refresh(choices, current) {
    this.body.setAttribute("aria-busy", "true");
    try {
      const view = await api.step(choices, this.id);
      if (current()) await this.show(view);
    } catch (error) {
      if (current()) await this.show({ kind: "error", text: error.message });
    } finally {
      this.body.removeAttribute("aria-busy");
    }
  }

  /** Draw again with the colours of another theme. */
  async redraw() {
    if (this.view?.kind === "chart") await this.draw(this.view);
  }

  async show(view) {
    const text = JSON.stringify(view);
    if (text === this.text) return;
    this.text = text;
    this.view = view;
    await this.draw(view);
  }

  async draw(view) {
    this.box.dataset.kind = view.kind;
    if (view.kind !== "chart") this.head.querySelector(".as-table")?.remove();
    if (view.kind !== "grid") this.head.querySelector(".grid-tools")?.remove();
    const around = { title: this.item.title, size: this.item.size, memory: this.memory, head: this.head, choose: (one) => this.choose(one) };
    const draw = { grid: renderGrid, tiles: renderTiles, chart: renderChart, card: renderCard, message: renderMessage, error: renderError }[view.kind];
    await draw(this.body, view, around);
    if (view.notes?.length) this.body.append(make("ul", { classes: "remarks" }, ...view.notes.map((note) => make("li", { text: note }))));
  }

  /** Choosing what is chosen takes the choice back. */
  choose(one) {
    const entries = Object.entries(one.sets);
    this.page.setAll(one.selected ? entries.map(([key]) => [key, undefined]) : entries);
  }
}

function renderCard(body, view) {
  replaceChildren(body, make("p", { classes: view.big ? "card-text big" : "card-text", text: view.text }));
}

function renderMessage(body, view) {
  replaceChildren(body, make("p", { classes: ["info", "success", "warning", "error"].includes(view.style) ? "message note" : "message", text: view.text, attributes: { "data-style": view.style, "data-tone": view.style } }));
}

function renderError(body, view) {
  const shown = make("div", { classes: "failed note", attributes: { "data-tone": "error", role: "alert" } }, make("strong", { text: "This query failed. " }), make("span", { text: view.text }));
  if (view.query) shown.append(make("details", {}, make("summary", { text: "The query as it was run" }), make("pre", { text: view.query })));
  replaceChildren(body, shown);
}
