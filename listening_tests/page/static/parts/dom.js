// Elements without a library.

/** element("button", {class: "lt-button", onclick: f, "aria-label": "..."}, child, "text", ...) */
export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

const ICONS = {
  play: "M8 5.1v13.8c0 .8.9 1.3 1.6.9l10.6-6.9c.6-.4.6-1.3 0-1.7L9.6 4.2C8.9 3.8 8 4.3 8 5.1z",
  pause: "M7.5 4.5h2.6c.5 0 .9.4.9.9v13.2c0 .5-.4.9-.9.9H7.5c-.5 0-.9-.4-.9-.9V5.4c0-.5.4-.9.9-.9zm6.4 0h2.6c.5 0 .9.4.9.9v13.2c0 .5-.4.9-.9.9h-2.6c-.5 0-.9-.4-.9-.9V5.4c0-.5.4-.9.9-.9z",
  stop: "M6.5 5.5h11a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1h-11a1 1 0 0 1-1-1v-11a1 1 0 0 1 1-1z",
  loop: "M7 7h9V4l4.5 4.2L16 12.4V9.2H9.2v3.3H7V7zm10 10H8v3l-4.5-4.2L8 11.600v3.200h6.800v-3.300H17V17z",
  check: "M9.6 17.6 4.300 12.300l1.700-1.700 3.600 3.600 8.400-8.400 1.700 1.700z",
};

export function icon(name) {
  const path = svg("path", { d: ICONS[name] });
  return svg("svg", { class: `lt-icon lt-icon-${name}`, viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" }, path);
}

/** Change text only where it differs, so that live regions speak once. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

let last = 0;
export const freshId = (stem) => `lt-${stem}-${++last}`;
