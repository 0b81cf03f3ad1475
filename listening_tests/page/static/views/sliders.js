// Several sounds of one sentence on sliders from 0 to 100: MUSHRA (ITU-R BS.1534-3), or BS.2132 without a reference.
// Only the slider of the sound that is heard moves, and none has a value before it is moved.

import { Slider } from "../parts/slider.js";
import { element } from "../parts/dom.js";
import { soundSigns } from "../parts/key_hints.js";
import { SoundButton } from "../parts/sounds.js";
import { Track } from "../parts/track.js";

const BANDS = [5, 4, 3, 2, 1];

export class SlidersView {
  together = true;

  constructor(trial) {
    const { player, t, needed, labels } = trial;
    this.trial = trial;
    this.hint = t("hint.sliders");
    this.reference = trial.public.reference ?? null;
    this.rated = labels.filter((label) => label !== this.reference);
    this.buttons = new Map(labels.map((label) => [label, new SoundButton({ player, t, label, needed })]));
    this.sliders = new Map(this.rated.map((label) => [label, this.#slider(label)]));
    this.track = new Track(trial, { loop: true, shaped: true });
    this.element = element("div", { class: "lt-body" }, this.#listenRow(), this.#board());
    this.element.style.setProperty("--lt-sounds", this.rated.length);
    this.keys = [["space"], ["sounds", soundSigns(labels, this.reference)], ["slider"], ["enter"]];
  }

  #slider(label) {
    const { trial } = this;
    return new Slider({
      t: trial.t,
      label: trial.nameOf(label),
      band: (value) => trial.t(`mushra.band.${Math.min(5, 1 + Math.floor(value / 20))}`),
      onchange: (value) => trial.answered(label, value),
      refused: () => trial.hint(trial.t("hint.slider_first", { label: trial.nameOf(label) })),
    });
  }

  #listenRow() {
    const lead = this.reference ? element("div", { class: "lt-reference" }, this.buttons.get(this.reference).element) : null;
    return element("div", { class: lead ? "lt-listen lt-listen-reference" : "lt-listen" }, lead, this.track.element);
  }

  #board() {
    const bands = BANDS.map((band) => element("span", {}, this.trial.t(`mushra.band.${band}`)));
    const lanes = this.rated.map((label) =>
      element("div", { class: "lt-lane" }, this.sliders.get(label).element, this.buttons.get(label).element),
    );
    this.lanes = new Map(this.rated.map((label, i) => [label, lanes[i]]));
    const axis = element("div", { class: "lt-axis", "aria-hidden": "true" }, bands);
    return element("div", { class: "lt-board" }, axis, element("div", { class: "lt-lanes" }, lanes));
  }

  answer() {
    if (this.#unset.length) return null;
    return { values: Object.fromEntries([...this.sliders].map(([label, slider]) => [label, slider.value])) };
  }

  get #unset() {
    return this.rated.filter((label) => this.sliders.get(label).value === null);
  }

  missing() {
    return this.trial.t("trial.rate_all_first", { labels: this.#unset.map((label) => this.trial.nameOf(label)).join(", ") });
  }

  /** A sound's key plays it and puts the focus on its slider, so that arrows move it. */
  key({ key }) {
    const label = /^[1-9]$/.test(key) ? this.rated[Number(key) - 1] : undefined;
    const taken = this.trial.soundKey(label ?? key);
    if (taken) this.sliders.get(this.trial.player.selected)?.focus();
    return taken;
  }

  loaded() {
    for (const { button } of this.buttons.values()) button.disabled = false;
    this.track.loaded();
  }

  update({ loaded }) {
    const { player } = this.trial;
    for (const button of this.buttons.values()) button.update();
    for (const [label, slider] of this.sliders) {
      const heard = loaded && player.selected === label && player.coverage(label) > 0;
      slider.active = heard;
      this.lanes.get(label).classList.toggle("lt-active", player.selected === label);
    }
    this.track.update();
  }

  destroy() {
    this.track.destroy();
  }
}
