// The buttons that play a trial's sounds: one a label, each with how much of it was heard.

import { element, icon } from "./dom.js";
import { labelName } from "./words.js";

export class SoundButton {
  /** @param {{player, t, label: string, needed: number, lone?: boolean}} options lone: the only sound, no letter on it */
  constructor({ player, t, label, needed, lone = false }) {
    Object.assign(this, { player, t, label, needed, name: labelName(t, label) });
    const short = this.name.length <= 2;
    const letter = element("span", { class: short ? "lt-sound-letter" : "lt-sound-word" }, this.name);
    this.meter = element("span", { class: "lt-heard-fill" });
    this.bar = element("span", { class: "lt-heard", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 }, this.meter);
    this.button = element(
      "button",
      { type: "button", class: "lt-sound", disabled: true, onclick: () => this.press() },
      element("span", { class: "lt-sound-icons" }, icon("play"), icon("pause")),
      lone ? null : letter,
    );
    this.element = element("div", { class: `lt-sound-box${lone ? " lt-lone" : ""}` }, this.button, lone ? null : this.bar);
    this.update();
  }

  /** Play this sound: switch to it, or where it is selected, play and pause. */
  press() {
    const { player, label } = this;
    if (player.selected === label) return player.toggle();
    player.select(label);
    return player.playing ? undefined : player.play();
  }

  get heard() {
    return this.player.coverage(this.label) >= this.needed;
  }

  update() {
    const { player, t, label, name } = this;
    const selected = player.selected === label;
    const playing = selected && player.playing;
    this.button.classList.toggle("lt-selected", selected);
    this.button.classList.toggle("lt-playing", playing);
    this.button.setAttribute("aria-pressed", String(playing));
    this.button.setAttribute("aria-label", t(playing ? "trial.pause_label" : "trial.play_label", { label: name }));
    const percent = this.heard ? 100 : Math.floor(player.coverage(label) * 100);
    this.meter.style.transform = `scaleX(${percent / 100})`;
    this.bar.classList.toggle("lt-done", this.heard);
    this.bar.setAttribute("aria-valuenow", String(percent));
    this.bar.setAttribute("aria-label", t(this.heard ? "trial.heard_all" : "trial.heard", { label: name, percent }));
  }
}

/** All sounds of a trial in a row, in the order shown. */
export function soundRow(trial, labels = trial.labels) {
  const { player, t, needed } = trial;
  const lone = labels.length === 1;
  const buttons = labels.map((label) => new SoundButton({ player, t, label, needed, lone }));
  const row = element("div", { class: "lt-sounds", role: "group", "aria-label": t("trial.sounds") });
  row.append(...buttons.map((button) => button.element));
  return { buttons, element: row };
}
