// The blind test on the spot: choose two renderings, answer blind trials, see what the answers say, then the names.
//
// The trial itself is the listeners' own (listening_tests/page/static). Which sound is which stays on the server.

import { audioContext, Player } from "../../../assets/player.js";
import { renderTrial } from "../../../assets/trial.js";
import * as api from "./api.js";
import { element, Form } from "./form.js";
import { resultTable } from "./result.js";
import { loadTexts } from "./texts.js";

const STORE = "blind-test";

function styled(url) {
  if (document.querySelector(`link[href="${url}"]`)) return;
  document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: url }));
}

export class Panel {
  #trial = null;
  #player = null;
  #test = null; // the server's state
  #presses = 0; // of Start: the latest begins
  #asked = 0; // requests that are not answered yet

  /** @param {HTMLElement} root an empty element, which becomes the panel */
  constructor(root) {
    this.root = root;
    root.classList.add("blind");
    for (const path of ["../../../assets/listener.css", "./panel.css"]) styled(new URL(path, import.meta.url).href);
    this.form = new Form((wish) => this.begin(wish));
    this.error = element("p", { class: "blind-error", role: "alert", hidden: true });
    this.standing = element("div", { class: "blind-standing", role: "status", "aria-live": "polite" });
    this.stage = element("div", { class: "blind-trial" });
    this.stop = element("button", { type: "button", class: "blind-button", hidden: true, onclick: () => this.end() }, "End and show the names");
    this.result = element("div", { class: "blind-result", tabindex: -1 });
    root.replaceChildren(this.form.element, this.error, this.stage, this.standing, this.stop, this.result);
    // Events of the compare page's stage, which bubble; this panel's own are of the same kind.
    this.off = [];
    this.#on("compare-finished", ({ detail }) => this.offer(detail));
    this.#on("compare-cleared", () => this.withdraw());
    this.#on("compare-playing", () => this.#player?.pause());
    this.texts = loadTexts();
  }

  #on(name, handler) {
    document.addEventListener(name, handler);
    this.off.push(() => document.removeEventListener(name, handler));
  }

  /** These were decoded: they may be compared. A test of this job that was under way goes on. */
  async offer({ job, systems }) {
    if (this.job === job) return;
    this.job = job;
    this.form.offer(systems);
    const kept = JSON.parse(sessionStorage.getItem(STORE) ?? "null");
    if (kept?.job !== job) return;
    try {
      const test = await api.state(kept.id);
      if (this.job === job) await this.#show(test); // else it was withdrawn meanwhile
    } catch {
      sessionStorage.removeItem(STORE);
    }
  }

  /** There is nothing to compare any more. */
  withdraw() {
    this.job = null;
    this.#test = null;
    this.#close();
    this.form.offer([]);
    this.form.element.hidden = false;
    this.standing.replaceChildren();
    this.result.replaceChildren();
    this.stop.hidden = true;
  }

  async begin(wish) {
    this.#say("");
    this.result.replaceChildren();
    const press = (this.#presses += 1);
    await this.#asking(async () => {
      const { job } = this;
      const test = await api.begin({ ...wish, job });
      if (this.job !== job || press !== this.#presses) return; // withdrawn meanwhile, or begun again
      sessionStorage.setItem(STORE, JSON.stringify({ job, id: test.id }));
      await this.#show(test);
    });
  }

  async end() {
    const { id } = this.#test;
    await this.#asking(async () => {
      const over = await api.end(id);
      if (this.#test?.id === id) await this.#show(over);
    });
  }

  async #asking(work) {
    this.#asked += 1;
    this.root.setAttribute("aria-busy", "true");
    try {
      await work();
    } catch (error) {
      this.#say(error.message);
    }
    this.#asked -= 1;
    if (!this.#asked) this.root.removeAttribute("aria-busy");
  }

  #say(words) {
    this.error.textContent = words;
    this.error.hidden = !words;
  }

  async #show(test) {
    this.#test = test;
    this.#close();
    this.form.element.hidden = !test.over;
    this.stop.hidden = test.over;
    this.root.dataset.state = test.over ? "over" : "running";
    this.root.dataset.done = String(test.done);
    if (test.over) {
      this.standing.replaceChildren();
      this.result.replaceChildren(...resultTable(test));
      this.result.focus({ preventScroll: false });
      return;
    }
    this.result.replaceChildren();
    this.standing.replaceChildren(
      element("p", { class: "blind-progress" }, `Trial ${test.step.number} of ${test.planned}`),
      ...test.words.map((words, i) => element("p", { class: i ? "blind-quiet" : "blind-count" }, words)),
    );
    await this.#trialOf(test);
  }

  async #trialOf(test) {
    const texts = await this.texts;
    if (this.#test !== test) return;
    const player = new Player(audioContext());
    player.on("play", () => this.root.dispatchEvent(new CustomEvent("blind-playing", { bubbles: true })));
    const stimuli = test.step.stimuli.map(({ token, ...rest }) => ({ ...rest, url: api.soundUrl(token) }));
    const holder = element("div", { class: "lt" });
    this.stage.replaceChildren(holder);
    const onAnswer = async ({ choice }) => {
      const next = await api.answer(test.id, test.step.number, choice);
      setTimeout(() => this.#test === test && this.#show(next)); // once the trial has closed its own books; not if it was ended
    };
    this.#player = player;
    this.#trial = renderTrial(holder, { ...test.step, stimuli }, player, texts, { onAnswer });
  }

  #close() {
    this.#trial?.destroy();
    this.#player?.destroy();
    [this.#trial, this.#player] = [null, null];
    this.stage.replaceChildren();
  }

  destroy() {
    this.#close();
    this.off.forEach((off) => off());
  }
}

/** Make `root` the panel; it follows the stage of the page by its events. */
export const mountBlind = (root) => (root.blindPanel ??= new Panel(root));
