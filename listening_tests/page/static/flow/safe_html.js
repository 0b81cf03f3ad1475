// A study's own consent text. The server has sanitised it; this lets through nothing but plain formatting all the same.

const KEPT = new Set(["P", "BR", "UL", "OL", "LI", "B", "STRONG", "I", "EM", "H3", "H4", "BLOCKQUOTE", "A"]);
const DROPPED = new Set(["SCRIPT", "STYLE", "TEMPLATE", "IFRAME", "OBJECT", "SVG", "MATH"]);

/** Nodes made from `html`, without attributes but a link's address. */
export function safeNodes(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html"); // inert: loads and runs nothing
  const text = parsed.body.children.length ? parsed.body.childNodes : [...paragraphs(parsed.body.textContent)];
  return [...text].flatMap(copy);
}

function* paragraphs(text) {
  for (const part of text.split(/\n\s*\n/)) {
    const paragraph = document.createElement("p");
    paragraph.textContent = part;
    yield paragraph;
  }
}

function copy(node) {
  if (node.nodeType === Node.TEXT_NODE) return [document.createTextNode(node.data)];
  if (node.nodeType !== Node.ELEMENT_NODE || DROPPED.has(node.nodeName.toUpperCase())) return [];
  const children = [...node.childNodes].flatMap(copy);
  if (!KEPT.has(node.nodeName)) return children;
  const made = document.createElement(node.nodeName);
  if (node.nodeName === "A" && /^(https?:|mailto:)/i.test(node.getAttribute("href") ?? "")) {
    Object.assign(made, { href: node.getAttribute("href"), target: "_blank", rel: "noopener noreferrer" });
  }
  made.append(...children);
  return [made];
}
