// A grid as a real table: sorted by its heads, filtered by a text, rows chosen by a button or a click.
import { cellText, renderCell } from "./cells.js";
import { make, replaceChildren, tune } from "./dom.js";

const LONGEST_LINE = 40; // characters, such as an object id has: shorter texts are not broken

/** Render into the body. `memory` keeps the reader's order and filter for this step; `choose` takes what a row sets. */
export function renderGrid(body, view, { title, size, memory, head, choose }) {
  memory.sort ??= view.sort[0] ? { ...view.sort[0] } : null;
  const rows = make("tbody");
  const heads = new Map();
  const tools = gridTools(head, memory, title);

  const draw = () => {
    const wanted = (memory.filter ?? "").trim().toLowerCase();
    const found = view.rows.filter((row) => !wanted || row.cells.some((cell) => cellText(cell).toLowerCase().includes(wanted)));
    const ordered = memory.sorted ? order(found, view.columns, memory.sort) : found;
    replaceChildren(rows, ...ordered.map((row) => tableRow(row, view.columns, choose)));
    if (!ordered.length) {
      rows.append(make("tr", {}, make("td", { classes: "none", text: "No row has this text.", attributes: { colspan: view.columns.length } })));
    }
    tools.count.textContent = counted(view, found.length, wanted);
    for (const [name, cell] of heads) {
      const sorted = memory.sort?.column === name ? (memory.sort.descending ? "descending" : "ascending") : "none";
      cell.setAttribute("aria-sort", sorted);
    }
  };
  tools.input.hidden = !view.filter;
  tools.input.oninput = () => { memory.filter = tools.input.value; draw(); };
  tools.save.hidden = !view.export;
  tools.save.onclick = () => download(view, title);

  const headRow = make("tr");
  for (const column of view.columns) {
    const sortBy = () => {
      const descending = memory.sort?.column === column.name && !memory.sort.descending;
      memory.sort = { column: column.name, descending };
      memory.sorted = true;
      draw();
    };
    const button = make("button", { text: column.label, attributes: { type: "button", "data-focus": `sort/${column.name}` }, on: { click: sortBy } });
    const cell = make("th", { classes: column.right ? "right" : "", attributes: { scope: "col" } }, button);
    if (column.width) tune(cell, { width: column.width });
    heads.set(column.name, cell);
    headRow.append(cell);
  }
  const table = make("table", { classes: "grid" }, make("caption", { classes: "unseen", text: title || "Rows" }), make("thead", {}, headRow), rows);
  const area = make("div", { classes: "grid-area", attributes: { "data-size": size, tabindex: "0", role: "region", "aria-label": title || "Rows", "data-focus": "area" } }, table);
  draw();
  const before = body.querySelector(".grid-area")?.scrollTop ?? 0;
  replaceChildren(body, area);
  area.scrollTop = before;
}

// Count, filter and export stand beside the step's title, and stay the same elements over refreshes.
function gridTools(head, memory, title) {
  if (!memory.tools) {
    const count = make("span", { classes: "count", attributes: { role: "status" } });
    const input = make("input", { attributes: { type: "search", placeholder: "Filter", "aria-label": `Filter ${title || "the rows"}` } });
    const save = make("button", { classes: "plain", text: "Export CSV", attributes: { type: "button" } });
    memory.tools = { all: make("div", { classes: "grid-tools" }, count, input, save), count, input, save };
  }
  if (memory.tools.all.parentElement !== head) head.append(memory.tools.all);
  return memory.tools;
}

function tableRow(row, columns, choose) {
  const element = make("tr");
  row.cells.forEach((cell, index) => {
    const column = columns[index];
    const shown = renderCell(cell, column.label);
    const classes = column.right || cell.right ? "right" : cell.time ? "time" : cell.text.length <= LONGEST_LINE ? "tight" : "";
    const focus = `${row.cells.map((one) => one.text).join("|")}`;
    const content = index === 0 && row.sets
      ? make("button", { classes: "choose", attributes: { type: "button", "aria-pressed": String(row.selected), "data-focus": `row/${focus}` } }, shown)
      : shown;
    element.append(make("td", { classes }, content));
  });
  if (row.sets) {
    element.dataset.chooses = "";
    element.classList.toggle("chosen", row.selected);
    element.addEventListener("click", () => choose(row));
  }
  return element;
}

function order(rows, columns, sort) {
  const place = columns.findIndex((column) => column.name === sort?.column);
  if (place < 0) return rows;
  const key = (row) => row.cells[place].sort ?? ("sort" in row.cells[place] ? null : row.cells[place].text.toLowerCase());
  const compare = (a, b) => {
    const [left, right] = [key(a), key(b)];
    if (left === right) return 0;
    if (left === null) return -1;
    if (right === null) return 1;
    if (typeof left === "number" && typeof right === "number") return left - right;
    return String(left).localeCompare(String(right), undefined, { numeric: true });
  };
  return [...rows].sort((a, b) => (sort.descending ? compare(b, a) : compare(a, b)));
}

function counted(view, found, wanted) {
  const all = view.total;
  if (wanted) return `${found} of ${view.rows.length} rows`;
  if (view.rows.length < all || view.truncated) return `The first ${view.rows.length} of ${view.truncated ? "more than " : ""}${all} rows`;
  return all === 1 ? "1 row" : `${all} rows`;
}

function download(view, title) {
  // A text that begins like a formula would be run by a spreadsheet.
  const field = (text) => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  const lines = [view.columns.map((column) => field(column.label)), ...view.rows.map((row) => row.cells.map((cell) => field(cell.text + (cell.unit ?? ""))))];
  const address = URL.createObjectURL(new Blob([lines.map((line) => line.join(",")).join("\r\n")], { type: "text/csv" }));
  make("a", { attributes: { href: address, download: `${title || "rows"}.csv` } }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
