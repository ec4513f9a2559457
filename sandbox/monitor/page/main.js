// The page: keeps the reader's choices, asks for the layout and then for each step, and looks for news.
import * as api from "./api.js";
import { wireDetails } from "./details.js";
import { Items } from "./items.js";
import { followTheme } from "./theme.js";
import { make } from "./dom.js";

const AT_ONCE = 3; // questions; the monitor runs two queries at a time
const NEWS = 2000; // milliseconds between two looks for new rows
const DRIFT = 30_000; // milliseconds after which "the last hour" is another one
const KEPT = `crosstenant-workbook-choices ${location.pathname}`;

const status = document.getElementById("status");
const main = document.getElementById("workbook");
let choices = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
let question = 0; // counts refreshes; an answer to an older one is dropped
let seen = { revision: -1, workbook: "", at: 0 };

const page = {
  steps: new Map(),
  open: () => true,
  set: (key, value) => page.setAll([[key, value]]),
  setAll: (entries) => {
    for (const [key, value] of entries) {
      if (value === undefined) delete choices[key];
      else choices[key] = value;
    }
    sessionStorage.setItem(KEPT, JSON.stringify(choices));
    refresh();
  },
  scroll: (name) => {
    for (const element of document.querySelectorAll(".item")) {
      if (element.dataset.name === name) element.scrollIntoView({ behavior: "smooth" });
    }
  },
  refresh: () => refresh(),
};
let items = new Items(main, page);

async function refresh() {
  const mine = (question += 1);
  const current = () => mine === question;
  try {
    const layout = await api.layout(choices);
    if (!current()) return;
    if (!main.contains(items.list)) start();
    seen = { revision: layout.revision, workbook: layout.workbook, at: Date.now() };
    document.title = layout.title;
    document.getElementById("title").textContent = layout.title;
    items.update(layout.items);
    await askSteps(current);
    if (current()) say(layout.live ? "live" : "still", layout);
  } catch (error) {
    if (!current()) return;
    say("lost");
    if (!items.shown.size) {
      main.replaceChildren(make("div", { classes: "note", text: error.message, attributes: { "data-tone": "error", role: "alert" } }));
    }
  }
}

function start() {
  main.replaceChildren();
  page.steps.clear();
  items = new Items(main, page);
}

// In the order of the page, a few at a time.
async function askSteps(current) {
  const waiting = [...page.steps.values()].filter((step) => step.open).sort((a, b) => (a.element.compareDocumentPosition(b.element) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1));
  const worker = async () => {
    while (waiting.length && current()) await waiting.shift().refresh(choices, current);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function say(state, layout) {
  status.dataset.state = state;
  const time = layout ? new Date(layout.now).toLocaleTimeString() : "";
  status.textContent = { live: `Live, as of ${time}`, still: `Recorded data, as of ${layout ? new Date(layout.now).toLocaleString() : ""}`, lost: "The monitor does not answer" }[state];
}

async function look() {
  try {
    const found = await api.state();
    const news = found.revision !== seen.revision || found.workbook !== seen.workbook;
    if (status.dataset.state === "lost" || (!document.hidden && (news || (found.live && Date.now() - seen.at > DRIFT)))) await refresh();
  } catch {
    say("lost");
  }
  setTimeout(look, NEWS);
}

wireDetails();
followTheme(document.getElementById("theme"), () => { for (const step of page.steps.values()) step.redraw(); });
document.getElementById("refresh").addEventListener("click", refresh);
await refresh();
setTimeout(look, NEWS);
