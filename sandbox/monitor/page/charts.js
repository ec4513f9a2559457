// Charts by the Plotly library, which is loaded when charts are to come; the same values can be read as a table.
import { make, replaceChildren, tune } from "./dom.js";
import { colour, computed } from "./theme.js";

const ORDER = ["blue", "orange", "green", "purple", "turquoise", "magenta", "yellow", "grayBlue", "red", "lightBlue", "brown", "greenDark"];
const CONFIG = { displayModeBar: false, responsive: true, doubleClick: "reset", showTips: false };
const MOST_TABLE_ROWS = 500;
const HALF_HOUR = 1_800_000; // milliseconds to each side of a time that is alone
// The library adds a style sheet for maps, which there are none of here, unless an element has this id.
const MAP_STYLES = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53";
let library;

/** Render into the body; `memory` keeps whether the reader wants the table. */
export async function renderChart(body, view, { title, size, memory, head }) {
  const tones = view.series.map((series, index) => colour(series.colour ?? ORDER[index % ORDER.length]));
  toggle(head, memory, () => renderChart(body, view, { title, size, memory, head }));
  if (memory.table) {
    replaceChildren(body, table(view, title));
    return;
  }
  let plot = body.querySelector(":scope > .chart");
  if (!plot) {
    plot = make("div", { classes: "chart", attributes: { "data-size": size } });
    body.replaceChildren(plot);
  }
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", spoken(view, title));
  body.querySelector(":scope > .totals")?.remove();
  if (view.metrics && view.chart !== "pie") body.append(totals(view, tones));
  const plotly = await load();
  const colours = tones.map(computed);
  await plotly.react(plot, view.chart === "pie" ? pie(view, colours) : traces(view, colours), frame(view), CONFIG);
}

/** Load the library, once; asked for ahead where charts are to come. */
export function load() {
  library ??= new Promise((loaded, failed) => {
    document.head.append(make("template", { properties: { id: MAP_STYLES } }));
    const script = make("script", { attributes: { src: "/vendor/plotly.js" } });
    script.addEventListener("load", () => loaded(window.Plotly));
    script.addEventListener("error", () => failed(new Error("The chart library could not be loaded.")));
    document.head.append(script);
  });
  return library;
}

function traces(view, colours) {
  const bars = ["bar", "groupedbar", "categories"].includes(view.chart);
  return view.series.map((series, index) => ({
    name: plainText(series.name),
    x: series.x.map(view.time ? local : plainText),
    y: series.y,
    type: bars ? "bar" : "scatter",
    width: bars && lonely(view) ? HALF_HOUR / 4 : undefined,
    mode: view.chart === "scatter" ? "markers" : series.x.length > 1 ? "lines" : "markers",
    marker: { color: colours[index] },
    line: { color: colours[index], width: 2 },
    stackgroup: view.chart === "area" ? "all" : undefined,
    hovertemplate: `%{y:,.4~g}${view.unit}`,
  }));
}

function pie(view, colours) {
  return [{
    type: "pie", hole: 0.55, sort: false, direction: "clockwise", textinfo: "percent", textposition: "inside", insidetextorientation: "horizontal",
    labels: view.series.map((series) => plainText(series.name)), values: view.series.map((series) => series.y[0]),
    marker: { colors: colours, line: { color: computed("var(--surface)"), width: 2 } },
    hovertemplate: "%{label}: %{value:,} (%{percent})<extra></extra>",
  }];
}

function frame(view) {
  const ink = computed("var(--ink)");
  const quiet = computed("var(--quiet)");
  const line = computed("var(--line)");
  const legend = view.chart === "pie"
    ? { orientation: "v", x: 1, y: 0.5, yanchor: "middle" }
    : { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" };
  const listed = view.legend && (view.series.length > 1 || view.chart === "pie");
  const values = view.series.flatMap((series) => series.y).filter((y) => y !== null);
  const few = values.every((y) => Number.isInteger(y) && Math.abs(y) <= 4) && view.chart !== "pie";
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: ink },
    margin: view.chart === "pie" ? { l: 8, r: 8, t: 8, b: 8 } : { l: 44, r: 12, t: listed ? 30 : 8, b: 24 },
    barmode: view.chart === "groupedbar" ? "group" : "stack", bargap: 0.25,
    hovermode: view.chart === "pie" || view.chart === "scatter" ? "closest" : "x unified",
    hoverlabel: { bgcolor: computed("var(--raised)"), bordercolor: line, font: { color: ink } },
    showlegend: listed,
    legend: { ...legend, font: { color: ink, size: 12 } },
    xaxis: { type: view.time ? "date" : "category", gridcolor: "rgba(0,0,0,0)", linecolor: line, tickfont: { color: quiet }, automargin: true, fixedrange: true, zeroline: false, range: aroundLonely(view) },
    yaxis: { gridcolor: line, tickfont: { color: quiet }, ticksuffix: view.unit, automargin: true, fixedrange: true, zeroline: false, rangemode: "tozero", dtick: few ? 1 : undefined, range: view.range.every((end) => end !== null) ? view.range : undefined },
    shapes: view.threshold === null ? [] : [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: view.threshold, y1: view.threshold, line: { color: computed("var(--c-redBright)"), width: 1.5, dash: "dash" } }],
  };
}

// A single time has no span of its own, and the library would draw fractions of a second.
function lonely(view) {
  const times = new Set(view.series.flatMap((series) => series.x));
  return view.time && times.size === 1 ? [...times][0] : null;
}

function aroundLonely(view) {
  const time = lonely(view);
  return time ? [-HALF_HOUR, HALF_HOUR].map((side) => local(new Date(new Date(time).getTime() + side).toISOString())) : undefined;
}

// The library draws times as they are written, so they are written in the reader's zone.
function local(iso) {
  const moment = new Date(iso);
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

// The library reads a few tags and entities in its texts; with these signs replaced there are none.
function plainText(text) {
  return String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function toggle(head, memory, draw) {
  let button = head.querySelector(".as-table");
  if (!button) {
    button = make("button", { classes: "plain faint as-table", attributes: { type: "button" } });
    head.append(button);
  }
  button.textContent = memory.table ? "Chart" : "Table";
  button.setAttribute("aria-label", memory.table ? "Show as a chart" : "Show as a table");
  button.onclick = () => { memory.table = !memory.table; draw(); };
}

function table(view, title) {
  const rows = make("tbody");
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  let left = MOST_TABLE_ROWS;
  for (const series of view.series) {
    for (let index = 0; index < series.x.length && left > 0; index += 1, left -= 1) {
      const x = view.time ? format.format(new Date(series.x[index])) : series.x[index];
      const y = series.y[index] === null ? "" : `${Number(series.y[index].toPrecision(6))}${view.unit}`;
      rows.append(make("tr", {}, make("td", { text: x }), ...(view.chart === "pie" ? [] : [make("td", { text: series.name })]), make("td", { classes: "right", text: y })));
    }
  }
  const names = view.chart === "pie" ? [view.x || "Part", "Value"] : [view.x || "", "Series", "Value"];
  const heads = make("tr", {}, ...names.map((name) => make("th", { text: name, attributes: { scope: "col" } })));
  return make("div", { classes: "grid-area", attributes: { "data-size": "medium", tabindex: "0", role: "region", "aria-label": title || "Values" } },
    make("table", { classes: "grid" }, make("caption", { classes: "unseen", text: title || "Values" }), make("thead", {}, heads), rows));
}

function totals(view, tones) {
  const list = make("ul", { classes: "totals" });
  view.series.forEach((series, index) => {
    list.append(tune(make("li", {}, make("span", { classes: "figure", text: series.total }), make("span", { classes: "of", text: `${series.name} (${view.summary})` })), { "--tone": tones[index] }));
  });
  return list;
}

function spoken(view, title) {
  return `${title || "Chart"}: ${view.series.slice(0, 12).map((series) => `${series.name} ${series.total}`).join(", ")}`;
}
