// Press when you hear a join. The sound runs once through, without seeking or pausing, so that a press is a reaction to
// what was just heard; playing it again starts the marks over.

import { element, icon, say } from "../parts/dom.js";
import { Track } from "../parts/track.js";

const LATE_S = 1; // a press this long after the end still answers a join near the end

export class SeamsView {
  together = false;
  presses = [];
  #complete = false; // the marks are of one whole listening
  #endedAt = null; // performance.now(), while a late press may come

  constructor(trial) {
    const { t } = trial;
    this.trial = trial;
    this.hint = t("hint.seams");
    this.playButton = element(
      "button",
      { type: "button", class: "lt-sound", disabled: true, onclick: () => this.toggle() },
      element("span", { class: "lt-sound-icons" }, icon("play"), icon("stop")),
    );
    this.track = new Track(trial, { seek: false });
    this.press = element(
      "button",
      { type: "button", class: "lt-press", "aria-disabled": "true", onpointerdown: (event) => this.#pointer(event), onclick: (event) => this.#click(event) },
      element("span", {}, t("seams.press")),
    );
    this.count = element("p", { class: "lt-count" });
    const listen = element("div", { class: "lt-listen lt-listen-lone" }, element("div", { class: "lt-sound-box lt-lone" }, this.playButton), this.track.element);
    this.element = element("div", { class: "lt-body" }, listen, this.press, this.count);
    this.offEnded = trial.player.on("ended", () => this.#awaitLatePresses());
    this.keys = [["space", ["P"]], ["press", ["␣"]], ["enter"]];
  }

  toggle() {
    const { player } = this.trial;
    this.#complete = false;
    this.presses = [];
    if (player.playing) {
      player.pause();
      player.seek(0);
      return;
    }
    this.#endedAt = null;
    player.seek(0);
    player.play();
    this.press.focus({ preventScroll: true });
  }

  #awaitLatePresses() {
    this.#complete = true;
    this.#endedAt = performance.now();
    clearTimeout(this.late); // of an earlier listening
    this.late = setTimeout(() => {
      if (this.trial.gone || this.trial.player.playing) return;
      this.#endedAt = null;
      this.trial.update();
    }, 1000 * LATE_S);
  }

  /** Whether a press means something now. */
  get #running() {
    return this.trial.player.playing || this.#endedAt !== null;
  }

  /** Seconds into the sound that a press now answers, past its end where the sound is over. */
  get #second() {
    const { player } = this.trial;
    if (player.playing) return player.heardPosition;
    return player.duration + Math.min(LATE_S, (performance.now() - this.#endedAt) / 1000);
  }

  /** A press counts when the finger comes down, not when it lifts. */
  #pointer(event) {
    if (event.button) return;
    this.mark();
  }

  #click(event) {
    if (event.detail === 0) this.mark(); // not from a pointer: a screen reader's or switch's activation
  }

  mark() {
    if (!this.#running) return;
    const second = Math.max(this.presses.at(-1) ?? 0, Math.round(this.#second * 1e3) / 1e3);
    this.presses.push(second);
    this.press.classList.remove("lt-flash");
    void this.press.offsetWidth; // restarts the animation
    this.press.classList.add("lt-flash");
    this.trial.answered("press", second);
  }

  /** Space and Enter while it plays mark a join, once a key press; P plays. */
  key(event) {
    if (event.key.toLowerCase() === "p") {
      if (!event.repeat) this.toggle();
      return true;
    }
    if (event.key === " " && event.target === this.playButton && !this.#running) return false; // the button's own
    if (event.key !== " " && !(event.key === "Enter" && this.#running)) return false;
    if (event.repeat) return true;
    if (this.#running) this.mark();
    else if (event.target !== this.press) this.toggle();
    return true;
  }

  answer() {
    return this.#running || !this.#complete ? null : { presses: [...this.presses] };
  }

  missing() {
    return this.#running ? this.trial.t("trial.playing", { label: this.trial.nameOf(this.trial.labels[0]) }) : this.trial.t("hint.seams");
  }

  loaded() {
    this.playButton.disabled = false;
    this.track.loaded();
  }

  update() {
    const { player, t } = this.trial;
    this.playButton.classList.toggle("lt-selected", true);
    this.playButton.classList.toggle("lt-playing", player.playing);
    const again = player.coverage(player.selected) > 0 ? "seams.again" : "trial.play";
    this.playButton.setAttribute("aria-label", t(player.playing ? "trial.stop" : again));
    this.press.setAttribute("aria-disabled", String(!this.#running));
    this.press.classList.toggle("lt-off", !this.#running);
    const count = this.presses.length;
    say(this.count, count < 2 ? t(`seams.count.${count}`) : t("seams.count.n", { count }));
    this.track.setMarks(this.presses);
    this.track.update();
  }

  destroy() {
    this.offEnded();
    this.track.destroy();
  }
}
