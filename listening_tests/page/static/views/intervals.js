// A round of a headphone check: three sounds, one after another, each once; then one of them is chosen
// (three-alternative forced choice; Woods et al. 2017, Milne et al. 2021).

import { Choices } from "../parts/choices.js";
import { element, icon } from "../parts/dom.js";

const GAP_MS = 500;

export class IntervalsView {
  together = false;
  running = false;

  constructor(trial) {
    const { t, labels } = trial;
    this.trial = trial;
    this.hint = t("hint.intervals");
    this.lamps = labels.map((label) => element("span", { class: "lt-lamp" }, trial.nameOf(label)));
    this.playButton = element(
      "button",
      { type: "button", class: "lt-button lt-primary lt-play-all", disabled: true, onclick: () => this.play() },
      icon("play"),
      t("intervals.play"),
    );
    const options = labels.map((label) => ({ value: label, text: t("intervals.choice", { label: trial.nameOf(label) }) }));
    const onchange = (value) => trial.answered("choice", value);
    this.choices = new Choices(options, { label: t("intervals.choose"), layout: "row", onchange });
    const lamps = element("div", { class: "lt-lamps", "aria-hidden": "true" }, this.lamps);
    this.element = element("div", { class: "lt-body" }, lamps, this.playButton, this.choices.element);
    this.keys = [["space"], ["rate", [labels[0], "–", labels.at(-1)]], ["enter"]];
  }

  get done() {
    return this.trial.unheard.length === 0;
  }

  /** Play what has not been heard yet, in order. An interruption by the device is taken up again by the next press. */
  async play() {
    const { player, labels } = this.trial;
    if (this.running || this.done) return;
    this.running = true;
    for (const label of labels) {
      if (this.gone || player.coverage(label) >= this.trial.needed) continue;
      player.select(label);
      player.seek(0);
      const ended = this.#untilSilent();
      await player.play();
      this.trial.hint(this.trial.t("intervals.playing", { label, count: labels.length }));
      if (!(await ended)) break;
      await new Promise((done) => setTimeout(done, GAP_MS));
    }
    this.running = false;
    this.trial.update();
  }

  /** Whether the sound came to its end (or was paused by the device). */
  #untilSilent() {
    const { player } = this.trial;
    return new Promise((done) => {
      const offs = ["ended", "pause"].map((event) =>
        player.on(event, () => {
          offs.forEach((off) => off());
          done(event === "ended");
        }),
      );
      this.stopWaiting = () => done(false);
    });
  }

  answer() {
    return this.choices.value === null ? null : { choice: this.choices.value };
  }

  key({ key, target }) {
    if (key === " " && target !== this.playButton) {
      if (!target.matches("input") || !this.done) this.play();
      else return false;
      return true;
    }
    const label = this.trial.labels.find((one) => one.toLowerCase() === key.toLowerCase());
    return label !== undefined && this.choices.choose(label);
  }

  loaded() {
    this.playButton.disabled = false;
  }

  update({ loaded, unlocked }) {
    const { player, labels } = this.trial;
    labels.forEach((label, i) => {
      this.lamps[i].classList.toggle("lt-on", player.playing && player.selected === label);
      this.lamps[i].classList.toggle("lt-done", player.coverage(label) >= this.trial.needed);
    });
    this.playButton.disabled = !loaded || this.running || this.done;
    this.choices.locked = !unlocked || this.running;
  }

  destroy() {
    this.gone = true;
    this.stopWaiting?.();
  }
}
