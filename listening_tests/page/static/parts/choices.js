// One answer of several, as native radio buttons: keys, screen readers and touch as everywhere.

import { element, freshId } from "./dom.js";

export class Choices {
  /**
   * @param {{value: any, text: string, cap?: string}[]} options cap: a small sign in front, such as the scale's number
   * @param {{label: string, layout?: "list"|"row", onchange: (value: any) => void}} settings
   */
  constructor(options, { label, layout = "list", onchange }) {
    this.name = freshId("choice");
    this.value = null;
    this.inputs = options.map(({ value }) => {
      const input = element("input", { type: "radio", name: this.name, value: String(value) });
      input.addEventListener("change", () => {
        this.value = value;
        onchange(value);
      });
      return input;
    });
    const lines = options.map(({ text, cap }, i) =>
      element(
        "label",
        { class: "lt-choice" },
        this.inputs[i],
        element("span", { class: "lt-choice-dot", "aria-hidden": "true" }),
        cap === undefined ? null : element("span", { class: "lt-cap", "aria-hidden": "true" }, cap),
        element("span", { class: "lt-choice-text" }, text),
      ),
    );
    this.element = element("fieldset", { class: `lt-choices lt-${layout}`, role: "radiogroup", "aria-label": label }, lines);
    this.values = options.map(({ value }) => value);
  }

  /** Choose as a listener would; says whether there is such a value and it may be chosen. */
  choose(value) {
    const i = this.values.indexOf(value);
    if (i < 0 || this.element.disabled) return false;
    this.inputs[i].focus();
    if (!this.inputs[i].checked) this.inputs[i].click();
    return true;
  }

  clear() {
    this.value = null;
    for (const input of this.inputs) input.checked = false;
  }

  set locked(locked) {
    this.element.disabled = locked;
    this.element.classList.toggle("lt-locked", locked);
  }
}
