// What to compare, how, and how often.

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

const KINDS = [
  ["abx", "ABX: can I tell them apart?"],
  ["abx-2", "ABXY: the same, hearing both orders"],
  ["ab", "AB: which one sounds better?"],
];
const field = (words, control, note) =>
  element("label", { class: "blind-field" }, element("span", {}, words), control, note ? element("small", {}, note) : null);
const option = (value, words = value) => element("option", { value }, words);

export class Form {
  /** @param {(wish: object) => void} onStart */
  constructor(onStart) {
    this.first = element("select", { name: "first" });
    this.second = element("select", { name: "second" });
    this.kind = element("select", { name: "kind" }, KINDS.map(([value, words]) => option(value, words)));
    this.trials = element("input", { name: "trials", type: "number", min: 1, max: 100, step: 1, value: 16, required: true, inputmode: "numeric" });
    this.running = element("input", { name: "show_running", type: "checkbox", checked: true });
    this.start = element("button", { type: "submit", class: "blind-button blind-primary" }, "Start the blind test");
    this.hint = element("p", { class: "blind-hint" });
    this.fields = element(
      "fieldset",
      { class: "blind-fields" },
      element("legend", {}, "Blind test of two of these"),
      field("First", this.first),
      field("Second", this.second),
      field("Question", this.kind),
      field("Trials", this.trials, "1 to 100; the p-value holds for this number"),
      element("label", { class: "blind-check" }, this.running, element("span", {}, "Tell me how it stands after every answer")),
      this.start,
    );
    const onsubmit = (event) => {
      event.preventDefault();
      onStart(this.wish);
    };
    this.element = element("form", { class: "blind-form", onsubmit }, this.fields, this.hint);
    this.offer([]);
  }

  get wish() {
    const [first, second, kind] = [this.first.value, this.second.value, this.kind.value];
    return { first, second, kind, trials: this.trials.valueAsNumber, show_running: this.running.checked };
  }

  /** Choose among these. */
  offer(systems) {
    const enough = systems.length > 1;
    this.fields.disabled = !enough;
    this.hint.textContent = enough
      ? "You hear them in an order drawn anew for every trial, at one level and of one length, and switch between them without a gap. Nobody sees which is which until the end."
      : "Decode two systems first: then you can compare them blind here.";
    const decoders = systems.filter((name) => name !== "reference");
    const [one, two] = decoders.length > 1 ? decoders : systems;
    this.first.replaceChildren(...systems.map((name) => option(name)));
    this.second.replaceChildren(...systems.map((name) => option(name)));
    if (enough) [this.first.value, this.second.value] = [one, two];
  }
}
