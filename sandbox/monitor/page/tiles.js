// Tiles, one a row of a result; a tile that exports a parameter is a button.
import { renderCell } from "./cells.js";
import { make, replaceChildren } from "./dom.js";

/** Render into the body; `choose` takes what a tile sets. */
export function renderTiles(body, view, { choose }) {
  const list = make("div", { classes: "tiles", attributes: { "data-size": view.size } });
  for (const tile of view.tiles) {
    const parts = [];
    const add = (place) => { if (tile[place]) parts.push(make("span", { classes: place }, renderCell(tile[place], tile.title?.text))); };
    add("title");
    add("subtitle");
    if (tile.left || tile.right) {
      const middle = make("span", { classes: "middle" });
      for (const place of ["left", "right"]) {
        if (tile[place]) middle.append(make("span", { classes: place }, renderCell(tile[place], tile.title?.text)));
      }
      parts.push(middle);
    }
    add("bottom");
    list.append(
      tile.sets
        ? make("button", { classes: "tile", attributes: { type: "button", "aria-pressed": String(tile.selected), "data-focus": `tile/${tile.title?.text ?? ""}` }, on: { click: () => choose(tile) } }, ...parts)
        : make("div", { classes: "tile" }, ...parts),
    );
  }
  replaceChildren(body, list);
}
