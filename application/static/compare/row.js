// One system on the stage: colour and marker, state, Play, waveform, figures.

import { Stream } from "./stream.js";
import { Waveform } from "./waveform.js";

const MARKERS = {
  circle: "M8 2a6 6 0 1 1 0 12a6 6 0 1 1 0-12Z",
  diamond: "M8 1 15 8 8 15 1 8Z",
  square: "M2.5 2.5h11v11h-11Z",
  "triangle-up": "M8 1.5 15 14H1Z",
  "triangle-down": "M8 14.5 1 2h14Z",
  pentagon: "M8 1 15 6.3 12.3 14.5H3.7L1 6.3Z",
  hexagon: "M8 1 14.2 4.5v7L8 15 1.8 11.5v-7Z",
  star: "M8 .8l2.2 4.7 5.1.6-3.8 3.5 1 5.1L8 12.2l-4.5 2.5 1-5.1L.7 6.1l5.1-.6Z",
};
const TEMPLATE = `
  <div class="cmp-head">
    <svg class="cmp-marker" viewBox="0 0 16 16" aria-hidden="true"><path></path></svg>
    <h3></h3> <span class="cmp-kind"></span> <span class="cmp-state"></span>
  </div>
  <button type="button" class="cmp-play"></button>
  <canvas class="cmp-wave" role="img"></canvas>
  <dl class="cmp-facts"></dl>`;
export const ms = (seconds) => `${Math.round(1000 * seconds)} ms`;

export class Row {
  /**
   * @param {{name: string, slot?: number, symbol?: string, kind?: string, key?: number, onPlay: () => void, onSeek: (s: number) => void}} options
   */
  constructor({ name, slot = null, symbol = "circle", kind = "", key = null, onPlay, onSeek }) {
    Object.assign(this, { name, kind, key, state: "waits", stream: new Stream(), facts: new Map() });
    this.root = Object.assign(document.createElement("section"), { className: "cmp-row", innerHTML: TEMPLATE });
    this.root.dataset.system = name;
    this.root.setAttribute("aria-label", name);
    if (slot === null) this.root.style.setProperty("--colour", "var(--reference)");
    else this.root.style.setProperty("--colour", `var(--system-${slot})`);
    this.find("path").setAttribute("d", MARKERS[symbol] ?? MARKERS.circle);
    this.find("h3").textContent = name;
    this.find(".cmp-kind").textContent = kind;
    this.wave = new Waveform(this.find("canvas"), this.stream);
    this.button = this.find(".cmp-play");
    this.button.addEventListener("click", onPlay);
    if (key !== null) this.button.setAttribute("aria-keyshortcuts", String(key));
    this.find("canvas").addEventListener("click", (event) => {
      const whole = Math.max(this.wave.seconds, this.stream.seconds);
      onSeek((event.offsetX / event.currentTarget.clientWidth) * whole);
    });
    this.#describe();
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  /** @param {"waits"|"decodes"|"done"|"failed"|"cancelled"} state; @param {string} text for people, "" for the usual words */
  setState(state, text = "") {
    this.state = state;
    this.root.dataset.state = state;
    const usual = { waits: "waiting", decodes: "decoding", done: "", failed: "failed", cancelled: "cancelled" };
    this.find(".cmp-state").textContent = text || usual[state];
    this.#describe();
  }

  /** @param {string} kind what it is, where that is not a decoder */
  setKind(kind) {
    this.kind = kind;
    this.find(".cmp-kind").textContent = kind;
  }

  push(samples, seam) {
    this.stream.push(samples, seam);
    this.wave.draw();
    this.#describe();
  }

  /** @param {boolean} on it is this one's turn; @param {boolean} starved it waits for audio */
  setPlaying(on, starved = false) {
    this.root.classList.toggle("cmp-playing", on);
    this.root.classList.toggle("cmp-starved", on && starved);
    this.playing = on;
    if (!on) this.wave.draw(null);
    this.#describe(starved);
  }

  /** @param {string} name of a figure; @param {string} value with its unit; @param {string} note what it is made of */
  setFact(name, value, note = "") {
    if (value === null) this.facts.delete(name);
    else this.facts.set(name, { value, note });
    this.find("dl").replaceChildren(...[...this.facts].map(([term, fact]) => factElement(term, fact)));
  }

  get playable() {
    return this.stream.length > 0 || this.state === "waits" || this.state === "decodes";
  }

  #describe(starved = false) {
    const hint = this.key === null ? "" : ` (${this.key})`;
    const words = this.playing ? (starved ? "Waits – stop" : "Stop") : "Play";
    this.button.textContent = `${this.playing ? "■" : "▶"} ${words}${hint}`;
    this.button.disabled = !this.playable;
    this.button.setAttribute("aria-label", `${this.playing ? "Stop" : "Play"} ${this.name}`);
    this.button.setAttribute("aria-pressed", String(Boolean(this.playing)));
    const seams = this.stream.seams.length;
    const text = `Waveform of ${this.name}, ${this.stream.seconds.toFixed(2)} s, ${seams} seam${seams === 1 ? "" : "s"}`;
    this.find("canvas").setAttribute("aria-label", text);
  }
}

function factElement(term, { value, note }) {
  const group = document.createElement("div");
  const parts = [["dt", term], ["dd", value], ["dd", note]].filter(([, text]) => text);
  parts.forEach(([tag, text], i) => {
    const element = Object.assign(document.createElement(tag), { textContent: text });
    if (i === 2) element.className = "cmp-note";
    group.append(element);
  });
  return group;
}
