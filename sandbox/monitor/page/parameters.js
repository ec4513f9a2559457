// Parameter controls. A control that has the focus is left alone by a refresh.
import { make } from "./dom.js";

const PAUSE = 450; // milliseconds after the last key until a text counts

/** Bring the controls of an item up to date; `set` takes a control's key and the reader's choice. */
export function renderParameters(body, controls, set) {
  const known = new Map([...body.children].map((element) => [element.dataset.key, element]));
  const wanted = controls.map((control) => {
    const before = known.get(control.key);
    const signature = JSON.stringify(control);
    if (before && (before.dataset.signature === signature || before.contains(document.activeElement))) {
      if (before.dataset.signature !== signature) errorOf(before, control);
      return before;
    }
    const made = CONTROLS[control.kind](control, (value) => set(control.key, value));
    made.dataset.key = control.key;
    made.dataset.signature = signature;
    errorOf(made, control);
    return made;
  });
  for (const element of [...body.children]) if (!wanted.includes(element)) element.remove();
  wanted.forEach((element, index) => { if (body.children[index] !== element) body.insertBefore(element, body.children[index] ?? null); });
}

const CONTROLS = { text, dropdown, options, time, fixed };
let serial = 0;

function labelled(control, input) {
  const id = `control-${(serial += 1)}`;
  input.id = id;
  return make("div", { classes: "control" }, make("label", { classes: "label", attributes: { for: id, title: control.description } }, control.label, must(control)), input);
}

function must(control) {
  return control.required ? make("span", { classes: "must", text: " *", attributes: { title: "required" } }) : null;
}

function errorOf(element, control) {
  element.querySelector(":scope > .wrong")?.remove();
  if (control.error) element.append(make("span", { classes: "wrong", text: control.error, attributes: { role: "alert" } }));
}

function text(control, set) {
  const input = make(control.lines > 1 ? "textarea" : "input", { attributes: control.lines > 1 ? { rows: control.lines } : { type: "text", autocomplete: "off", spellcheck: "false" }, properties: { value: control.value } });
  let waiting;
  let sent = control.value;
  const send = () => {
    clearTimeout(waiting);
    if (input.value !== sent) set((sent = input.value));
  };
  input.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(send, PAUSE); });
  input.addEventListener("change", send);
  input.addEventListener("keydown", (event) => { if (event.key === "Enter" && control.lines === 1) send(); });
  return labelled(control, input);
}

function fixed(control) {
  return labelled(control, make("input", { attributes: { type: "text", readonly: true }, properties: { value: control.text } }));
}

function dropdown(control, set) {
  if (control.multi) return several(control, set);
  const select = make("select");
  if (!control.required || !control.value.length) select.append(make("option", { text: "<unset>", attributes: { value: "" } }));
  const groups = new Map();
  for (const option of control.options) {
    let parent = select;
    if (option.group) {
      if (!groups.has(option.group)) {
        groups.set(option.group, make("optgroup", { attributes: { label: option.group } }));
        select.append(groups.get(option.group));
      }
      parent = groups.get(option.group);
    }
    parent.append(make("option", { text: option.label, attributes: { value: option.value } }));
  }
  select.value = control.value[0] ?? "";
  select.addEventListener("change", () => set(select.value === "" ? [] : [select.value]));
  return labelled(control, select);
}

function several(control, set) {
  const chosen = new Set(control.value);
  const special = new Set(control.special);
  const shown = make("span", { text: control.text || "<unset>" });
  const button = make("button", { attributes: { type: "button", "aria-expanded": "false", "aria-haspopup": "true" } }, shown);
  const panel = make("div", { classes: "panel", attributes: { role: "group", "aria-label": control.label }, properties: { hidden: true } });
  const boxes = new Map();
  const show = () => {
    shown.textContent = control.options.filter((option) => chosen.has(option.value)).map((option) => option.label).join(", ") || "<unset>";
    for (const [value, box] of boxes) box.checked = chosen.has(value);
  };
  let group = "";
  for (const option of control.options) {
    if (option.group && option.group !== group) panel.append(make("div", { classes: "group", text: (group = option.group) }));
    const box = make("input", { attributes: { type: "checkbox" } });
    box.addEventListener("change", () => {
      // A special choice such as All stands alone.
      if (special.has(option.value) && box.checked) chosen.clear();
      if (!special.has(option.value)) for (const value of special) chosen.delete(value);
      if (box.checked) chosen.add(option.value);
      else chosen.delete(option.value);
      show();
      set([...chosen]);
    });
    boxes.set(option.value, box);
    panel.append(make("label", {}, box, make("span", { text: option.label })));
  }
  const open = (wanted) => {
    panel.hidden = !wanted;
    button.setAttribute("aria-expanded", String(wanted));
    if (wanted) panel.querySelector("input")?.focus();
  };
  button.addEventListener("click", () => open(panel.hidden));
  const element = labelled(control, button);
  const holder = make("div", { classes: "many" });
  button.replaceWith(holder);
  holder.append(button, panel);
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !panel.hidden) { open(false); button.focus(); }
    if (["ArrowDown", "ArrowUp"].includes(event.key) && !panel.hidden) {
      const inputs = [...panel.querySelectorAll("input")];
      const next = inputs.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
      inputs[(next + inputs.length) % inputs.length]?.focus();
      event.preventDefault();
    }
  });
  element.addEventListener("focusout", (event) => { if (event.relatedTarget && !element.contains(event.relatedTarget)) open(false); });
  document.addEventListener("pointerdown", (event) => { if (!element.contains(event.target)) open(false); });
  show();
  return element;
}

function options(control, set) {
  const name = `options-${(serial += 1)}`;
  const segments = make("div", { classes: "segments" });
  for (const option of control.options) {
    const radio = make("input", { attributes: { type: "radio", name, value: option.value }, properties: { checked: control.value.includes(option.value) } });
    radio.addEventListener("change", () => set([option.value]));
    segments.append(make("label", {}, radio, option.label));
  }
  return make("fieldset", { classes: "control" }, make("legend", { attributes: { title: control.description } }, control.label, must(control)), segments);
}

function time(control, set) {
  const select = make("select");
  for (const option of control.options) select.append(make("option", { text: option.label, attributes: { value: option.value } }));
  if (control.custom || control.value.startTime) select.append(make("option", { text: "Custom …", attributes: { value: "custom" } }));
  select.value = control.value.startTime ? "custom" : String(control.value.durationMs);
  const element = labelled(control, select);
  const ends = ["startTime", "endTime"].map((name, index) => make("input", {
    attributes: { type: "datetime-local", "aria-label": index ? "To" : "From" },
    properties: { value: local(control.value[name] ?? new Date(Date.now() - (index ? 0 : 86_400_000)).toISOString()) },
  }));
  const apply = make("button", { classes: "plain", text: "Apply", attributes: { type: "button" } });
  apply.addEventListener("click", () => {
    const [startTime, endTime] = ends.map((input) => (input.value ? new Date(input.value).toISOString() : null));
    if (startTime && endTime && startTime < endTime) set({ durationMs: 0, startTime, endTime });
  });
  const span = make("div", { classes: "span", properties: { hidden: select.value !== "custom" } }, ends[0], make("span", { text: "to" }), ends[1], apply);
  span.hidden = select.value !== "custom";
  select.addEventListener("change", () => {
    span.hidden = select.value !== "custom";
    if (select.value !== "custom") set({ durationMs: Number(select.value) });
    else ends[0].focus();
  });
  element.append(span);
  return element;
}

function local(iso) {
  const moment = new Date(iso);
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
