// Where the sound is: bars that are filled as they are heard, a playhead, and the loop's two handles.
//
// The bars' heights are the same whichever sound is selected: those of the loudest sound of the trial at each place
// where sounds of one sentence are compared, and all alike where a shape could tell something (a single sound, joins).

import { element, freshId, icon, svg } from "./dom.js";
import { SHORTEST_LOOP_S } from "../player.js";

const BARS = 88;
const STEP_S = 0.5; // of an arrow key
const FINE_S = 0.05; // of a loop handle

/** Heights 0..1 of the bars: the highest level of any of the sounds at each place, on a compressed scale. */
export function commonShape(buffers, bars = BARS) {
  const duration = Math.max(...buffers.map((buffer) => buffer.duration));
  const levels = Array.from({ length: bars }, (_, bar) => Math.max(...buffers.map((buffer) => level(buffer, bar, bars, duration))));
  const top = Math.max(...levels) || 1;
  return levels.map((value) => 0.14 + 0.86 * Math.sqrt(value / top));
}

function level(buffer, bar, bars, duration) {
  const samples = buffer.getChannelData(0);
  const at = (edge) => Math.min(samples.length, Math.round((edge / bars) * duration * buffer.sampleRate));
  const [from, to] = [at(bar), at(bar + 1)];
  let energy = 0;
  for (let i = from; i < to; i++) energy += samples[i] * samples[i];
  return to > from ? Math.sqrt(energy / (to - from)) : 0;
}

export class Track {
  #frame = 0;
  #dragged = null; // position under a finger that seeks
  #loopDrag = null; // [from, to] while a handle moves

  /** @param trial  @param {{seek?: boolean, loop?: boolean, shaped?: boolean}} options */
  constructor(trial, { seek = true, loop = false, shaped = false } = {}) {
    Object.assign(this, { player: trial.player, t: trial.t, seekable: seek, shaped, planned: trial.plannedSeconds });
    const clip = freshId("heard");
    this.heardRects = svg("clipPath", { id: clip });
    this.under = svg("g", { class: "lt-bars" });
    this.over = svg("g", { class: "lt-bars lt-bars-heard", "clip-path": `url(#${clip})` });
    this.picture = svg("svg", { viewBox: `0 0 ${BARS} 100`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this.picture.append(svg("defs", {}, this.heardRects), this.under, this.over);
    this.playhead = element("span", { class: "lt-playhead" });
    this.rail = element("div", { class: "lt-track", ...this.#railRole() }, this.picture, this.playhead);
    this.marks = element("div", { class: "lt-marks", "aria-hidden": "true" });
    this.rail.append(this.marks);
    this.wrap = element("div", { class: "lt-track-wrap" }, this.rail);
    this.time = element("span", { class: "lt-time", "aria-hidden": "true" });
    this.tools = element("div", { class: "lt-track-tools" }, this.time);
    if (loop) this.#addLoop();
    this.element = element("div", { class: "lt-track-box" }, this.wrap, this.tools);
    this.#drawBars(Array(BARS).fill(0.42));
    if (seek) this.#listenToRail();
    this.update();
  }

  #railRole() {
    if (!this.seekable) return { "aria-hidden": "true" };
    return { role: "slider", tabindex: 0, "aria-label": this.t("trial.position"), "aria-valuemin": 0 };
  }

  /** Sounds are there: draw what they have in common. */
  loaded() {
    const buffers = this.player.labels.map((label) => this.player.buffer(label));
    if (this.shaped && buffers.length > 1) this.#drawBars(commonShape(buffers));
    this.update();
  }

  #drawBars(heights) {
    const bar = (height, i) =>
      svg("rect", { x: i + 0.22, width: 0.56, y: 50 - 50 * height, height: 100 * height, rx: 0.28, ry: 2 });
    this.under.replaceChildren(...heights.map(bar));
    this.over.replaceChildren(...heights.map(bar));
  }

  #positionAt(event) {
    const { left, width } = this.rail.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - left) / width)) * this.player.duration;
  }

  #listenToRail() {
    const end = (commit) => (event) => {
      if (this.#dragged === null) return;
      if (commit) this.player.seek(this.#positionAt(event));
      this.#dragged = null;
      this.update();
    };
    this.rail.addEventListener("pointerdown", (event) => {
      if (event.button || !this.player.duration) return;
      this.rail.setPointerCapture(event.pointerId);
      this.#dragged = this.#positionAt(event);
      this.update();
    });
    this.rail.addEventListener("pointermove", (event) => {
      if (this.#dragged === null) return;
      this.#dragged = this.#positionAt(event);
      this.update();
    });
    this.rail.addEventListener("pointerup", end(true));
    this.rail.addEventListener("pointercancel", end(false));
    this.rail.addEventListener("keydown", (event) => this.key(event));
  }

  /** Arrow keys, Home and End seek; says whether it took the key. */
  key(event) {
    const { player } = this;
    if (!this.seekable || !player.duration) return false;
    const steps = { ArrowLeft: -STEP_S, ArrowDown: -STEP_S, ArrowRight: STEP_S, ArrowUp: STEP_S };
    if (event.key in steps) player.seek(player.position + steps[event.key]);
    else if (event.key === "Home") player.seek(0);
    else if (event.key === "End") player.seek(player.duration);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    this.update();
    return true;
  }

  #addLoop() {
    this.loopButton = element(
      "button",
      { type: "button", class: "lt-button lt-quiet lt-loop", "aria-pressed": "false", disabled: true, onclick: () => this.toggleLoop() },
      icon("loop"),
      this.t("trial.loop"),
    );
    this.tools.append(this.loopButton);
    this.region = element("span", { class: "lt-region" });
    this.handles = ["start", "end"].map((edge, i) => this.#handle(edge, i));
    this.wrap.append(this.region, ...this.handles);
  }

  #handle(edge, i) {
    const label = this.t(`trial.loop_${edge}`);
    const handle = element("span", { class: `lt-handle lt-handle-${edge}`, role: "slider", tabindex: 0, "aria-label": label, "aria-valuemin": 0 });
    handle.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      event.stopPropagation();
      handle.setPointerCapture(event.pointerId);
      this.#loopDrag = [...this.player.loop];
    });
    handle.addEventListener("pointermove", (event) => {
      if (!this.#loopDrag) return;
      this.#loopDrag = this.#moved(this.#loopDrag, i, this.#positionAt(event));
      this.update();
    });
    handle.addEventListener("pointerup", () => this.#commitLoop());
    handle.addEventListener("pointercancel", () => this.#commitLoop());
    handle.addEventListener("keydown", (event) => this.#handleKey(event, i));
    return handle;
  }

  #moved([from, to], i, position) {
    if (i === 0) return [Math.max(0, Math.min(position, to - SHORTEST_LOOP_S)), to];
    return [from, Math.min(this.player.duration, Math.max(position, from + SHORTEST_LOOP_S))];
  }

  #commitLoop() {
    if (!this.#loopDrag) return;
    this.player.setLoop(...this.#loopDrag);
    this.#loopDrag = null;
    this.update();
  }

  #handleKey(event, i) {
    const steps = { ArrowLeft: -FINE_S, ArrowDown: -FINE_S, ArrowRight: FINE_S, ArrowUp: FINE_S };
    if (!(event.key in steps) || !this.player.loop) return;
    this.player.setLoop(...this.#moved(this.player.loop, i, this.player.loop[i] + steps[event.key]));
    event.preventDefault();
    event.stopPropagation();
    this.update();
  }

  toggleLoop() {
    if (this.player.loop) this.player.setLoop(null);
    else this.player.setLoop(0, this.player.duration);
    this.update();
  }

  /** Draw what is now, and go on drawing while something plays. */
  update() {
    const { player, t } = this;
    const duration = player.duration || this.planned || 0;
    const position = this.#dragged ?? player.position;
    const share = duration ? Math.min(1, position / duration) : 0;
    this.playhead.style.left = `${100 * share}%`;
    const said = { position: position.toFixed(1), duration: duration.toFixed(1) };
    this.time.textContent = `${said.position} / ${t("trial.seconds", { seconds: said.duration })}`;
    if (this.seekable) {
      this.rail.setAttribute("aria-valuemax", said.duration);
      this.rail.setAttribute("aria-valuenow", said.position);
      this.rail.setAttribute("aria-valuetext", t("trial.position_value", said));
    }
    this.#updateHeard(duration);
    if (this.loopButton) this.#updateLoop(duration);
    cancelAnimationFrame(this.#frame);
    if (player.playing) this.#frame = requestAnimationFrame(() => this.update());
  }

  #updateHeard(duration) {
    const heard = this.player.listened()[this.player.selected] ?? [];
    const rects = heard.map(([from, to]) =>
      svg("rect", { x: (BARS * from) / duration, width: (BARS * (to - from)) / duration, y: 0, height: 100 }),
    );
    this.heardRects.replaceChildren(...rects);
  }

  #updateLoop(duration) {
    const loop = this.#loopDrag ?? this.player.loop;
    this.loopButton.setAttribute("aria-pressed", String(Boolean(loop)));
    this.loopButton.disabled = !this.player.duration;
    for (const part of [this.region, ...this.handles]) part.hidden = !loop;
    if (!loop) return;
    const percent = loop.map((edge) => (100 * edge) / duration);
    this.region.style.left = `${percent[0]}%`;
    this.region.style.width = `${percent[1] - percent[0]}%`;
    this.handles.forEach((handle, i) => {
      handle.style.left = `${percent[i]}%`;
      handle.style.zIndex = (i === 0) === percent[0] > 50 ? 3 : 2; // both at one end: the one that can still move lies on top
      handle.setAttribute("aria-valuemax", duration.toFixed(1));
      handle.setAttribute("aria-valuenow", loop[i].toFixed(2));
      handle.setAttribute("aria-valuetext", this.t("trial.seconds", { seconds: loop[i].toFixed(2) }));
    });
  }

  /** Short lines over the track, at these seconds. */
  setMarks(seconds) {
    const duration = this.player.duration || 1;
    const marks = seconds.map((second) => {
      const mark = element("span", { class: "lt-mark" });
      mark.style.left = `${(100 * second) / duration}%`;
      return mark;
    });
    this.marks.replaceChildren(...marks);
  }

  destroy() {
    cancelAnimationFrame(this.#frame);
  }
}
