// Light, dark, or as the system has it; and the colours by the names that workbooks use.

const KEPT = "crosstenant-workbook-theme";
const NAMES = [
  "lightBlue", "blueDark", "blue", "greenDark", "green", "redBright", "redDark", "red", "orangeDark", "orange", "yellowDark",
  "yellow", "turquoise", "purple", "magenta", "pink", "amethyst", "brown", "grayBlue", "gray", "white", "black",
];
const PALETTES = { coldHot: ["blue", "yellow", "red"], hotCold: ["red", "yellow", "blue"], auto: ["blue"], none: ["gray"] };

/** Follow the select, and remember its choice; `changed` is called when colours are others. */
export function followTheme(select, changed) {
  select.value = localStorage.getItem(KEPT) ?? "auto";
  const apply = () => {
    document.documentElement.dataset.theme = select.value;
    localStorage.setItem(KEPT, select.value);
    changed();
  };
  select.addEventListener("change", apply);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  document.documentElement.dataset.theme = select.value;
}

/** A colour's CSS value by its name in workbooks; blue for one that is not known. */
export function colour(name) {
  return `var(--c-${NAMES.includes(name) ? name : stops(name).at(-1)})`;
}

/** The colour of a place between 0 and 1 on a palette, faint enough for text upon it. */
export function heat(palette, fraction) {
  const found = stops(palette);
  if (found.length === 1) return `color-mix(in srgb, var(--c-${found[0]}) ${Math.round(8 + fraction * 52)}%, transparent)`;
  const place = fraction * (found.length - 1);
  const below = Math.min(Math.floor(place), found.length - 2);
  const share = Math.round((place - below) * 100);
  return `color-mix(in srgb, color-mix(in srgb, var(--c-${found[below + 1]}) ${share}%, var(--c-${found[below]})) 42%, transparent)`;
}

/** A CSS colour as the browser computes it now, for what cannot read custom properties. */
export function computed(value) {
  const probe = document.createElement("span");
  probe.style.color = value;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

// "greenRed" is a palette from green to red.
function stops(name) {
  if (name in PALETTES) return PALETTES[name];
  if (NAMES.includes(name)) return [name];
  const found = [];
  let rest = String(name ?? "");
  while (rest) {
    const next = NAMES.find((one) => rest.toLowerCase().startsWith(one.toLowerCase()));
    if (!next) break;
    found.push(next);
    rest = rest.slice(next.length);
  }
  return found.length && !rest ? found : ["blue"];
}
