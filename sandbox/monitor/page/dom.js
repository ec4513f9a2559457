// Small makers of elements. Every value goes in as text or as a property: nothing here reads markup.

/** An element with classes, attributes and children; a child that is no node becomes text. */
export function make(tag, { classes = "", text, attributes = {}, properties = {}, on = {} } = {}, ...children) {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  Object.assign(element, properties);
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  if (text !== undefined) element.textContent = text;
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** An SVG element with attributes. */
export function makeSvg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Set a custom property, which a strict content security policy allows where it refuses style attributes. */
export function tune(element, properties) {
  for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value);
  return element;
}

/** Replace an element's children, and put the focus back on the child with the same data-focus. */
export function replaceChildren(parent, ...children) {
  const focused = parent.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
  const top = parent.scrollTop;
  parent.replaceChildren(...children);
  parent.scrollTop = top;
  if (focused !== undefined) {
    for (const candidate of parent.querySelectorAll("[data-focus]")) {
      if (candidate.dataset.focus === focused) candidate.focus({ preventScroll: true });
    }
  }
}
