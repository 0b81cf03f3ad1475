// A trial on the page: the question, the sounds, the answer, and the rule that one listens before one answers.

import { Beeps } from "./parts/beeps.js";
import { element, say } from "./parts/dom.js";
import { keyHints } from "./parts/key_hints.js";
import { labelName, listOf, questionText } from "./parts/words.js";
import { VIEWS } from "./views/index.js";

const ROUNDING = 5e-4; // of the audio clock, as a share

class Trial {
  #offs = [];
  #busy = false;
  #failure = "";

  constructor(container, step, player, t, options) {
    Object.assign(this, { container, step, player, t, options });
    this.public = step.public ?? {};
    this.labels = step.stimuli.map(({ label }) => label);
    this.plannedSeconds = Math.max(0, ...step.stimuli.map(({ seconds = 0 }) => seconds));
    this.needed = Math.min(1, Math.max(0, (step.listening?.coverage ?? 0.99) - ROUNDING));
    const name = step.view ?? this.public.view;
    if (!VIEWS[name]) throw new Error(`the page knows no view ${name}; it has ${Object.keys(VIEWS).join(", ")}`);
    this.view = new VIEWS[name](this);
    this.#draw(name);
    this.#listen();
    this.update();
    this.ready = this.#load();
  }

  #draw(name) {
    const { t, step } = this;
    this.beeps = this.public.beeps ? new Beeps(this, () => this.answered("beeps")) : null;
    this.status = element("p", { class: "lt-status", role: "status", "aria-live": "polite" });
    this.retry = element("button", { type: "button", class: "lt-button", hidden: true, onclick: () => this.#load() }, t("trial.retry"));
    this.submit = element("button", { type: "button", class: "lt-button lt-primary lt-submit", onclick: () => this.send() }, t("trial.submit"));
    const question = questionText(t, this.public, this.options.language ?? step.language);
    this.heading = element("h2", { class: "lt-question", tabindex: -1 }, question);
    this.root = element(
      "section",
      { class: "lt lt-trial", "data-view": name, "aria-busy": "true" },
      step.kind === "training" ? element("p", { class: "lt-tag" }, t("trial.training")) : null,
      this.heading,
      this.view.hint ? element("p", { class: "lt-hint" }, this.view.hint) : null,
      this.view.element,
      this.beeps?.element,
      element("div", { class: "lt-foot" }, this.status, this.retry, this.submit),
      keyHints(t, this.view.keys),
    );
    this.container.replaceChildren(this.root);
    this.heading.focus({ preventScroll: true });
  }

  #listen() {
    const { player } = this;
    for (const event of ["load", "play", "pause", "ended", "switch", "seek", "loop", "progress"]) {
      this.#offs.push(player.on(event, () => this.update()));
    }
    this.#offs.push(player.on("state", (state) => this.#contextChanged(state)));
    const onKey = (event) => this.#key(event);
    document.addEventListener("keydown", onKey);
    this.#offs.push(() => document.removeEventListener("keydown", onKey));
  }

  async #load() {
    const { t, step, player } = this;
    this.retry.hidden = true;
    this.loaded = false;
    this.root.setAttribute("aria-busy", "true");
    this.#failure = "";
    this.update();
    try {
      await player.load(step.stimuli, this.options.fetcher, { together: this.view.together });
    } catch {
      if (this.gone) return;
      this.#failure = t("trial.load_failed");
      this.retry.hidden = false;
      this.update();
      return;
    }
    if (this.gone || !player.labels.length) return;
    this.loaded = true;
    this.root.removeAttribute("aria-busy");
    this.view.loaded?.();
    this.update();
  }

  /** A telephone call, a headset unplugged: the device took the sound away. */
  #contextChanged(state) {
    if (state === "running" || !this.player.playing) return;
    this.player.pause();
    this.#failure = this.t("trial.interrupted");
    this.update();
  }

  /** Labels of which not enough was heard. */
  get unheard() {
    return this.labels.filter((label) => this.player.coverage(label) < this.needed);
  }

  /** The answer as it stands, or null. */
  get answer() {
    return this.beeps?.count ? { beeps: this.beeps.count } : this.view.answer();
  }

  /** A view tells that an answer was changed, and to what. */
  answered(what, value) {
    this.#failure = "";
    this.player.note("answer", { what, value });
    this.update();
  }

  update() {
    if (this.gone) return;
    const unlocked = this.loaded && this.unheard.length === 0;
    this.view.update({ loaded: Boolean(this.loaded), unlocked: unlocked && !this.#busy });
    if (this.beeps) this.beeps.locked = !unlocked || this.#busy;
    this.root.classList.toggle("lt-answered-beeps", Boolean(this.beeps?.count));
    const sendable = unlocked && this.answer !== null && !this.#busy;
    this.submit.setAttribute("aria-disabled", String(!sendable)); // not `disabled`, which would drop the focus
    this.submit.classList.toggle("lt-off", !sendable);
    say(this.status, this.#statusText(unlocked));
    this.status.classList.toggle("lt-alarm", Boolean(this.#failure));
  }

  #statusText(unlocked) {
    const { t } = this;
    if (this.#failure) return this.#failure;
    if (!this.loaded) return t("trial.loading");
    if (this.#busy) return t("trial.sending");
    if (this.hintNow) return this.hintNow;
    if (!unlocked && this.labels.length === 1) return t("trial.listen_first_one");
    if (!unlocked) return t("trial.listen_first", { labels: listOf(t, this.unheard) });
    if (this.answer === null) return this.view.missing?.() ?? t("trial.answer_first");
    return t("trial.ready");
  }

  /** Say something in the status line until the next change. */
  hint(text) {
    this.hintNow = text;
    this.update();
    this.hintNow = "";
  }

  /** Hand the answer over, once; a promise that is rejected opens the trial again. */
  async send() {
    const { answer, player } = this;
    if (this.#busy || !this.loaded || answer === null || this.unheard.length) return this.#whyNot();
    player.pause();
    player.tick();
    this.#busy = true;
    this.#failure = "";
    this.update();
    try {
      await this.options.onAnswer(answer, { listened: player.listened(), events: player.events() });
    } catch (error) {
      this.#failure = this.t("trial.send_failed", { reason: error?.message ?? String(error) });
    }
    this.#busy = false;
    this.update();
  }

  #whyNot() {
    this.status.classList.remove("lt-nudge");
    void this.status.offsetWidth; // restarts the animation
    this.status.classList.add("lt-nudge");
  }

  #key(event) {
    const { target, key } = event;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || this.#busy || !this.loaded) return;
    if (target.matches?.("input:not([type=radio]), textarea, select, [contenteditable]")) return;
    const inside = this.root.contains(target);
    if (!inside && target !== document.body && target !== document.documentElement) return;
    if (this.view.key?.(event)) return event.preventDefault();
    const button = target.matches("button");
    const undecided = target.matches("input[type=radio]:not(:checked)"); // there the space bar chooses
    if (key === " " && !button && !undecided) {
      event.preventDefault();
      this.player.toggle();
    } else if (key === "Enter" && !button) {
      event.preventDefault();
      this.send();
    } else if (!target.matches("input, [role=slider]")) this.view.track?.key(event);
  }

  /** Select the sound that a key stands for (its letter, R for the reference, its place in the row); says whether one did. */
  soundKey(key) {
    const letter = this.labels.find((label) => label.toLowerCase() === key.toLowerCase());
    const reference = key.toLowerCase() === "r" ? this.labels.find((label) => label === this.public.reference) : undefined;
    const label = letter ?? reference ?? (/^[1-9]$/.test(key) ? this.labels[Number(key) - 1] : undefined);
    if (label === undefined) return false;
    if (this.player.selected !== label) this.player.select(label);
    else if (this.player.playing) return true;
    if (!this.player.playing) this.player.play();
    return true;
  }

  nameOf(label) {
    return labelName(this.t, label);
  }

  destroy() {
    this.gone = true;
    this.player.clear();
    this.view.destroy?.();
    this.#offs.forEach((off) => off());
    this.root.remove();
  }
}

/**
 * Draw a trial into `container` and let the listener answer it.
 * @param {HTMLElement} container
 * @param step what GET /api/step returned
 * @param {Player} player
 * @param {(key: string, values?: object) => string} t texts
 * @param {{onAnswer: (answer: object, heard: {listened: object, events: object[]}) => any,
 *          fetcher?: (url: string) => Promise<ArrayBuffer>, language?: string}} options
 * @returns {{ready: Promise<void>, destroy: () => void}} ready: the sounds are there, or did not come and are asked for again
 */
export function renderTrial(container, step, player, t, options) {
  return new Trial(container, step, player, t, options);
}
