// A pane at the side with the values of a row or cell.
import { make } from "./dom.js";

const dialog = () => document.getElementById("details");

/** Show a value: an object by its names, anything else as it is. JSON in texts is laid out. */
export function showDetails(title, value) {
  document.getElementById("details-title").textContent = title;
  document.getElementById("details-body").replaceChildren(laidOut(value));
  dialog().showModal();
}

/** Close the pane with its button, with Escape, or by a click beside it. */
export function wireDetails() {
  document.getElementById("details-close").addEventListener("click", () => dialog().close());
  dialog().addEventListener("click", (event) => {
    if (event.target === dialog()) dialog().close();
  });
}

function laidOut(value) {
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    const list = make("dl");
    for (const [name, inner] of Object.entries(value)) {
      list.append(make("dt", { text: name }), make("dd", {}, simple(inner)));
    }
    return list;
  }
  return simple(value);
}

function simple(value) {
  const found = typeof value === "string" ? parsed(value) : value;
  if (found !== null && typeof found === "object") return make("pre", { text: JSON.stringify(found, null, 2) });
  return make("span", { text: found === null || found === undefined ? "" : String(found) });
}

function parsed(text) {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
