// What views with one answer of several have in common: sounds, where they are, and the answers.

import { Choices } from "../parts/choices.js";
import { element } from "../parts/dom.js";
import { soundSigns } from "../parts/key_hints.js";
import { soundRow } from "../parts/sounds.js";
import { Track } from "../parts/track.js";
import { answerText } from "../parts/words.js";

export class ChoiceView {
  /** @param trial  @param {{scale: object[], layout: "list"|"row", together: boolean, numbered?: boolean}} options */
  constructor(trial, { scale, layout, together, numbered = false }) {
    Object.assign(this, { trial, together });
    const { t } = trial;
    const lone = trial.labels.length === 1;
    this.sounds = soundRow(trial);
    this.track = new Track(trial, { loop: together && !lone, shaped: together });
    const options = scale.map((item) => ({
      value: item.value,
      text: answerText(t, item),
      cap: numbered ? String(item.value) : undefined,
    }));
    const onchange = (value) => trial.answered("choice", value);
    this.choices = new Choices(options, { label: t("trial.answer"), layout, onchange });
    const playing = element("div", { class: lone ? "lt-listen lt-listen-lone" : "lt-listen" }, this.sounds.element, this.track.element);
    this.element = element("div", { class: "lt-body" }, playing, this.choices.element);
    const sounds = lone ? [] : [["sounds", soundSigns(trial.labels, trial.public.reference)]];
    this.keys = [["space"], ...sounds, ["arrows"], ...(numbered ? [["rate"]] : []), ["enter"]];
  }

  answer() {
    const { value } = this.choices;
    if (value === null) return null;
    return typeof value === "number" ? { value } : { choice: value };
  }

  key({ key }) {
    return this.trial.soundKey(key);
  }

  loaded() {
    for (const { button } of this.sounds.buttons) button.disabled = false;
    this.track.loaded();
  }

  update({ unlocked }) {
    for (const button of this.sounds.buttons) button.update();
    this.track.update();
    this.choices.locked = !unlocked;
  }

  destroy() {
    this.track.destroy();
  }
}
