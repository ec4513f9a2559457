// One cell as an element: text with an icon, a colour, a bar, a line, an address or details.
import { make, makeSvg, tune } from "./dom.js";
import { showDetails } from "./details.js";
import { colour, heat } from "./theme.js";

const TIMES = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

// [sign, colour, shape, spoken]: what an icon's name means, for names that Azure has.
const ICONS = {
  success: ["✓", "green", "round"], available: ["✓", "green", "round"], resolved: ["✓", "green", "round"], check: ["✓", "green", "plain"],
  normal: ["✓", "green", "round"], failed: ["✕", "redBright", "round"], error: ["✕", "redBright", "round"], critical: ["!", "redDark", "square"],
  unavailable: ["✕", "redBright", "round"], fired: ["!", "redBright", "square"], warning: ["!", "orange", "square"], important: ["!", "orange", "square"],
  alert: ["!", "orange", "square"], degraded: ["!", "orange", "square"], info: ["i", "blue", "round"], question: ["?", "blue", "round"],
  unknown: ["?", "gray", "round"], pending: ["…", "blue", "round"], clock: ["◷", "blue", "plain"], stopped: ["■", "gray", "plain"],
  disabled: ["–", "gray", "round"], inactive: ["–", "gray", "round"], subtract: ["–", "gray", "round"], cancelled: ["⊘", "gray", "plain"],
  canceled: ["⊘", "gray", "plain"], none: ["", "gray", "plain"], blank: ["", "gray", "plain"], uninitialized: ["○", "gray", "plain"],
  up: ["↑", "gray", "plain"], down: ["↓", "gray", "plain"], left: ["←", "gray", "plain"], right: ["→", "gray", "plain"],
  trendup: ["↗", "green", "plain"], trenddown: ["↘", "redBright", "plain"], refresh: ["↻", "blue", "plain"], person: ["☺", "blue", "plain"],
  sev0: ["0", "redDark", "square"], sev1: ["1", "redBright", "square"], sev2: ["2", "orange", "square"], sev3: ["3", "blue", "square"],
  sev4: ["4", "gray", "square"], 1: ["1", "redBright", "square"], 2: ["2", "orange", "square"], 3: ["3", "yellow", "square"], 4: ["4", "blue", "square"],
  delete: ["✕", "gray", "plain"], more: ["⋯", "gray", "plain"], lock: ["⚿", "gray", "plain"],
};

/** The cell's element. `context` names it in details. */
export function renderCell(cell, context = "Details") {
  let shown = main(cell);
  if (cell.href) {
    shown = make("a", { attributes: { href: cell.href, target: "_blank", rel: "noopener noreferrer" } }, shown);
  } else if (cell.details !== undefined) {
    const open = () => showDetails(context, cell.details);
    shown = make("button", { classes: "link", attributes: { type: "button", "data-focus": `${context}/${cell.text}` }, on: { click: (event) => { event.stopPropagation(); open(); } } }, shown);
  }
  const title = cell.tooltip ?? cell.note;
  if (title) shown = make("span", { attributes: { title } }, shown);
  return shown;
}

/** The cell's text as a reader here reads it: times in the browser's zone. */
export function cellText(cell) {
  return cell.time ? TIMES.format(new Date(cell.time)) : cell.unit ? `${cell.text}${cell.unit}` : cell.text;
}

function main(cell) {
  if (cell.big) return figure(cell);
  if (cell.icon !== undefined) return make("span", { classes: "iconed" }, icon(cell.icon), make("span", { text: cellText(cell) }));
  if (cell.colour) return tune(make("span", { classes: "pill", text: cellText(cell) }), { "--tone": colour(cell.colour) });
  if (cell.heat) return tune(make("span", { classes: "heat", text: cellText(cell) }), { "--heat": heat(cell.heat.palette, cell.heat.fraction) });
  if (cell.bar) return bar(cell);
  if (cell.spark) return spark(cell.spark, cell.text);
  if (cell.parts) return parts(cell);
  if (cell.time) return make("time", { text: cellText(cell), attributes: { datetime: cell.time, title: `${cell.text} UTC` } });
  return make("span", { text: cellText(cell) });
}

function figure(cell) {
  const shown = make("span", { classes: "figure-big" }, make("span", { text: cell.text }));
  if (cell.unit) shown.append(make("span", { classes: "unit", text: cell.unit }));
  if (cell.heat) tune(shown, { color: heat(cell.heat.palette, 1).replace(/ (42|60)%, transparent\)$/, " 88%, var(--ink))") });
  return shown;
}

function icon(name) {
  const [sign, tone, shape] = ICONS[String(name).toLowerCase()] ?? ["•", "gray", "plain"];
  return tune(make("span", { classes: "icon", text: sign, attributes: { "data-shape": shape, "aria-hidden": "true" } }), { "--tone": colour(tone) });
}

function bar(cell) {
  const track = make("span", { classes: "track" }, tune(make("span", { classes: "fill" }), { "--share": `${cell.bar.fraction * 100}%`, display: "block" }));
  return tune(make("span", { classes: cell.bar.under ? "barred under" : "barred" }, make("span", { text: cellText(cell) }), track), { "--tone": colour(cell.bar.colour) });
}

function parts(cell) {
  const strip = make("span", { classes: "parts", attributes: { role: "img", "aria-label": cell.parts.map((part) => part.label).join(", ") } });
  for (const part of cell.parts) {
    strip.append(tune(make("span", { attributes: { title: part.label } }), { "--tone": colour(part.colour), "--share": `${part.fraction * 100}%` }));
  }
  return make("span", {}, make("span", { text: cellText(cell) }), strip);
}

function spark({ kind, colour: tone, points }, text) {
  const svg = makeSvg("svg", { class: "spark", viewBox: "0 0 100 24", preserveAspectRatio: "none", role: "img", "aria-label": text });
  if (!points.length) return svg;
  const least = Math.min(0, ...points);
  const span = Math.max(...points) - least || 1;
  const height = (value) => 23 - ((value - least) / span) * 21;
  if (kind === "bars") {
    const width = 100 / points.length;
    points.forEach((value, index) => svg.append(makeSvg("rect", { x: index * width, y: height(value), width: Math.max(width - 1, 0.5), height: Math.max(24 - height(value), 0.5), fill: colour(tone) })));
    for (const rect of svg.children) rect.style.fill = colour(tone);
    return svg;
  }
  const place = (value, index) => `${points.length === 1 ? 50 : (index * 100) / (points.length - 1)},${height(value)}`;
  const line = points.length === 1 ? [`0,${height(points[0])}`, `100,${height(points[0])}`] : points.map(place);
  if (kind === "area") {
    const area = makeSvg("polygon", { points: `0,24 ${line.join(" ")} 100,24`, opacity: "0.2" });
    area.style.fill = colour(tone);
    svg.append(area);
  }
  const path = makeSvg("polyline", { points: line.join(" "), fill: "none", "stroke-width": "1.6", "vector-effect": "non-scaling-stroke" });
  path.style.stroke = colour(tone);
  svg.append(path);
  return svg;
}
