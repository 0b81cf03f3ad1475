// "Heard beeps? How many?": the answer to a clip with beeps in it, given instead of a rating. Every trial of a study with
// such clips has it, so that its being there tells nothing.

import { Choices } from "./choices.js";
import { element, freshId } from "./dom.js";

const MOST = 5;

export class Beeps {
  constructor(trial, onchange) {
    const title = trial.t("trial.heard_beeps");
    const counts = Array.from({ length: MOST }, (_, i) => ({ value: i + 1, text: String(i + 1) }));
    const options = [{ value: 0, text: trial.t("trial.no_beeps") }, ...counts];
    this.choices = new Choices(options, { label: title, layout: "row", onchange });
    this.choices.inputs[0].checked = true;
    const id = freshId("beeps");
    this.choices.element.removeAttribute("aria-label");
    this.choices.element.setAttribute("aria-labelledby", id);
    this.element = element("div", { class: "lt-beeps" }, element("p", { class: "lt-small", id }, title), this.choices.element);
  }

  /** How many, or null for none. */
  get count() {
    return this.choices.value || null;
  }

  set locked(locked) {
    this.choices.locked = locked;
  }
}
