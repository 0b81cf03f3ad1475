// A slider from 0 to 100 without a value until it is moved. Upright or lying, as the style sheet has it.

import { element, say } from "./dom.js";

const STEPS = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 };
const MIDDLE = 50; // where keys begin
const TAP_PX = 8; // a finger that moves less than this has tapped

export class Slider {
  #held = null; // {x, y, value before, moving}
  #active = false;

  /** @param {{t, label: string, band: (value: number) => string, onchange: (value: number) => void, refused: () => void}} settings */
  constructor(settings) {
    Object.assign(this, settings, { value: null });
    this.thumb = element("span", { class: "lt-thumb", "aria-hidden": "true" });
    this.bandName = element("span", { class: "lt-band", "aria-hidden": "true" });
    this.rail = element("span", { class: "lt-rail", "aria-hidden": "true" }, this.thumb);
    this.output = element("span", { class: "lt-value", "aria-hidden": "true" });
    this.control = element(
      "div",
      { class: "lt-slider", role: "slider", tabindex: 0, "aria-label": this.t("sliders.slider", { label: this.label }), "aria-valuemin": 0, "aria-valuemax": 100 },
      this.rail,
      this.bandName,
    );
    this.element = element("div", { class: "lt-slider-box" }, this.output, this.control);
    this.#listen();
    this.#draw();
  }

  set active(active) {
    this.#active = active;
    this.#draw();
  }

  focus() {
    this.control.focus({ preventScroll: true });
  }

  get #upright() {
    const { width, height } = this.control.getBoundingClientRect();
    return height > width;
  }

  #valueAt({ clientX, clientY }) {
    const box = this.rail.getBoundingClientRect();
    const share = this.#upright ? (box.bottom - clientY) / box.height : (clientX - box.left) / box.width;
    return Math.round(100 * Math.min(1, Math.max(0, share)));
  }

  #listen() {
    const { control } = this;
    control.addEventListener("keydown", (event) => this.#key(event));
    control.addEventListener("pointerdown", (event) => this.#grab(event));
    control.addEventListener("pointermove", (event) => this.#drag(event));
    control.addEventListener("pointerup", (event) => this.#release(event));
    control.addEventListener("pointercancel", () => this.#cancel());
  }

  #grab(event) {
    if (event.button) return;
    if (!this.#active) return this.refused();
    this.control.setPointerCapture(event.pointerId);
    this.#held = { x: event.clientX, y: event.clientY, before: this.value, moving: event.pointerType === "mouse" };
    if (this.#held.moving) this.#show(this.#valueAt(event));
  }

  /** A finger counts once it moves along the rail or lifts: it may have come to scroll the page. */
  #drag(event) {
    if (!this.#held) return;
    this.#held.moving ||= Math.hypot(event.clientX - this.#held.x, event.clientY - this.#held.y) > TAP_PX;
    if (this.#held.moving) this.#show(this.#valueAt(event));
  }

  #release(event) {
    if (!this.#held) return;
    this.#held = null;
    this.#set(this.#valueAt(event));
  }

  #cancel() {
    if (!this.#held) return;
    this.value = this.#held.before;
    this.#held = null;
    this.#draw();
  }

  #key(event) {
    const at = this.value ?? MIDDLE;
    const next = { Home: 0, End: 100 }[event.key] ?? (event.key in STEPS ? at + STEPS[event.key] : null);
    if (next === null || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (this.#active) this.#set(Math.min(100, Math.max(0, next)));
    else this.refused();
  }

  #show(value) {
    this.value = value;
    this.#draw();
  }

  #set(value) {
    this.#show(value);
    this.onchange(value);
  }

  #draw() {
    const unset = this.value === null;
    const text = unset ? this.t("sliders.unset") : this.t("sliders.value", { value: this.value, band: this.band(this.value) });
    const { control } = this;
    control.classList.toggle("lt-active", this.#active);
    control.classList.toggle("lt-unset", unset);
    control.setAttribute("aria-disabled", String(!this.#active));
    control.setAttribute("aria-valuenow", String(this.value ?? MIDDLE));
    control.setAttribute("aria-valuetext", text);
    control.style.setProperty("--lt-value", (this.value ?? MIDDLE) / 100);
    say(this.bandName, unset ? "" : this.band(this.value));
    say(this.output, unset ? "–" : String(this.value));
    this.output.classList.toggle("lt-faint", unset);
  }
}
