// The player of a trial: every sound of the trial runs on one clock, and the listener switches between them.
//
// All times named `time` are the audio context's, in seconds; all named `position` are seconds into the sounds.
// Nothing here reads a wall clock to say what was heard: the audio clock alone counts, so a suspended tab, a seek or
// a loop cannot make unheard samples heard.

import { bySelection, covered, withInterval } from "./intervals.js";
import { Pass } from "./pass.js";
import { EventLog, Underruns } from "./playback_log.js";

const RAMP_S = 0.008; // of a switch, a seek, a pause; linear, as the sounds of a trial are nearly alike (correlated)
const SCHEDULE_AHEAD_S = 2; // a hidden tab's timers run once a second
const TICK_MS = 50;
export const SHORTEST_LOOP_S = 0.25;

let shared = null;

/** The page's one AudioContext. It may start suspended; play() resumes it, which must happen in a click or key press. */
export function audioContext() {
  shared ??= new AudioContext({ latencyHint: "interactive" });
  return shared;
}

async function fetchSound(url) {
  const reply = await fetch(url, { credentials: "same-origin", cache: "no-store" });
  if (!reply.ok) throw new Error(`HTTP ${reply.status}`);
  return reply.arrayBuffer();
}

export class Player {
  #channels = new Map(); // label -> {buffer, gain}
  #passes = []; // in order, the last may lie in the future
  #selections = [];
  #heard = new Map(); // label -> intervals
  #listeners = new Map();
  #rest = 0; // position while nothing plays
  #settled = 0; // up to this time passes are counted in #heard
  #switchEnd = 0; // a ramp runs until then, and the next one waits for it
  #timer = null;
  #loading = 0;
  #offHandlers = [];

  /**
   * @param {BaseAudioContext} context
   * @param {{level?: number, ramp?: number}} options level: the listener's volume 0..1, which nothing exceeds; ramp: s
   */
  constructor(context, { level = 1, ramp = RAMP_S } = {}) {
    Object.assign(this, { context, ramp, level: Math.min(1, Math.max(0, level)), together: true });
    this.labels = [];
    this.selected = null;
    this.playing = false;
    this.loop = null;
    this.master = context.createGain();
    this.master.gain.value = this.level;
    this.master.connect(context.destination);
    this.log = new EventLog();
    this.underruns = new Underruns(context);
    this.#watchPage();
  }

  #watchPage() {
    const watch = (target, name, handler) => {
      target.addEventListener(name, handler);
      this.#offHandlers.push(() => target.removeEventListener(name, handler));
    };
    watch(document, "visibilitychange", () => this.#note("visibility", { hidden: document.hidden }));
    watch(this.context, "statechange", () => {
      this.#note("context", this.#contextFacts());
      this.#emit("state", this.context.state);
    });
  }

  #contextFacts() {
    const { sampleRate, baseLatency = 0, outputLatency = 0, state } = this.context;
    return { rate: sampleRate, base_latency: baseLatency, output_latency: outputLatency, state };
  }

  /**
   * Fetch and decode a trial's sounds, in the order given, in place of what was there.
   * @param {{label: string, url: string}[]} stimuli
   * @param {(url: string) => Promise<ArrayBuffer>} fetcher
   * @param {{together?: boolean}} options together: one clock for all and the position kept on a switch (sounds of one
   *     sentence); otherwise a switch starts the other sound from its beginning
   * @throws Error when one does not come or is no sound; the player then holds nothing
   */
  async load(stimuli, fetcher = fetchSound, { together = true } = {}) {
    this.clear();
    const ticket = this.#loading;
    const buffers = await Promise.all(
      stimuli.map(async ({ url }) => this.context.decodeAudioData((await fetcher(url)).slice(0))),
    );
    if (ticket !== this.#loading) return; // another load began meanwhile
    this.use(new Map(stimuli.map(({ label }, i) => [label, buffers[i]])), { together });
  }

  /** Take decoded sounds: Map label -> AudioBuffer. The first one is selected. */
  use(buffers, { together = true } = {}) {
    this.clear();
    this.together = together;
    for (const [label, buffer] of buffers) {
      const gain = this.context.createGain();
      gain.gain.value = this.#channels.size ? 0 : 1;
      gain.connect(this.master);
      this.#channels.set(label, { buffer, gain });
      this.#heard.set(label, []);
    }
    this.labels = [...buffers.keys()];
    this.selected = this.labels[0] ?? null;
    this.#selections = [{ time: -Infinity, label: this.selected }];
    this.log.start();
    this.#note("context", this.#contextFacts());
    this.#emit("load");
  }

  /** Stop and forget the sounds and what was heard of them. */
  clear() {
    this.#loading += 1; // what is on its way is no longer wanted
    if (this.playing) this.#halt(this.#soon());
    this.playing = false;
    this.#stopTimer();
    const old = [...this.#channels.values()];
    setTimeout(() => old.forEach(({ gain }) => gain.disconnect()), 1000 * this.ramp + 250); // after the fade
    this.#channels = new Map();
    this.#heard = new Map();
    this.#passes = [];
    [this.labels, this.selected, this.loop, this.#rest] = [[], null, null, 0];
  }

  durationOf(label) {
    return this.#channels.get(label)?.buffer.duration ?? 0;
  }

  /** Of all sounds together, or of the selected one where each is played by itself. */
  get duration() {
    if (!this.together) return this.durationOf(this.selected);
    return Math.max(0, ...this.labels.map((label) => this.durationOf(label)));
  }

  buffer(label) {
    return this.#channels.get(label)?.buffer ?? null;
  }

  get position() {
    const pass = this.playing && this.#passAt(this.context.currentTime);
    return pass ? pass.positionAt(this.context.currentTime) : this.#rest;
  }

  /** The position that is at the listener's ear now: the sound card and Bluetooth lag behind the audio clock. */
  get heardPosition() {
    const { currentTime, outputLatency = 0, baseLatency = 0 } = this.context;
    const time = currentTime - (outputLatency || baseLatency);
    const pass = this.playing && this.#passAt(time);
    return pass ? pass.positionAt(time) : this.position;
  }

  #passAt(time) {
    return this.#passes.findLast((pass) => pass.start <= time) ?? this.#passes[0];
  }

  /** The next time at which the render thread will surely obey, on the sample grid. */
  #soon() {
    const lead = Math.max(0.02, 2 * (this.context.baseLatency || 0));
    return this.#onGrid(this.context.currentTime + lead);
  }

  #onGrid(seconds) {
    return Math.ceil(seconds * this.context.sampleRate - 1e-6) / this.context.sampleRate;
  }

  async play() {
    if (this.playing || !this.selected) return;
    const ticket = this.#loading;
    if (this.context.state !== "running" && this.context.resume && !this.#offline) await this.context.resume();
    if (this.playing || !this.selected || ticket !== this.#loading) return; // other sounds may have come meanwhile
    if (this.#rest >= this.duration - 0.005) this.#rest = 0;
    this.playing = true;
    this.underruns.reset();
    const start = this.#onGrid(Math.max(this.#soon(), this.#switchEnd));
    this.#settled = start;
    this.#passes = [];
    this.#run(start, this.#rest);
    this.#startTimer();
    this.#note("play");
    this.#emit("play");
  }

  pause() {
    if (!this.playing) return;
    const time = this.#halt(this.#soon());
    this.playing = false;
    this.#stopTimer();
    this.#note("pause", { position: this.#rest, time });
    this.#emit("pause");
  }

  toggle() {
    return this.playing ? this.pause() : this.play();
  }

  /** Switch to another sound of the trial, where it is (`together`) or from its beginning. */
  select(label) {
    if (!this.#channels.has(label) || label === this.selected) return;
    const time = this.#onGrid(Math.max(this.#soon(), this.#switchEnd));
    this.#fade(this.#channels.get(this.selected).gain.gain, 1, 0, time);
    this.#fade(this.#channels.get(label).gain.gain, 0, 1, time);
    this.#switchEnd = this.#onGrid(time + this.ramp);
    if (!this.together) {
      if (this.playing) this.#halt(time);
      this.#rest = 0;
      this.loop = null;
    }
    this.selected = label;
    this.#selections.push({ time, label });
    if (!this.together && this.playing) this.#run(this.#switchEnd, 0);
    this.#note("switch");
    this.#emit("switch");
  }

  #fade(gain, from, to, time) {
    gain.setValueAtTime(from, time);
    gain.linearRampToValueAtTime(to, time + this.ramp);
  }

  /** Go to `position`, kept within the sounds and the loop. */
  seek(position) {
    const [from, to] = this.loop ?? [0, this.duration];
    const target = Math.min(Math.max(position, from), to);
    if (this.playing) this.#replan(target);
    else this.#rest = target;
    this.#note("seek", { position: target });
    this.#emit("seek");
  }

  /** Repeat [from, to) from now on; setLoop(null) plays to the end again. At least SHORTEST_LOOP_S long. */
  setLoop(from, to) {
    if (from === null || from === undefined) this.loop = null;
    else {
      const start = Math.max(0, Math.min(from, this.duration - SHORTEST_LOOP_S));
      this.loop = [start, Math.max(start + SHORTEST_LOOP_S, Math.min(to, this.duration))];
    }
    const inside = this.loop ? Math.min(Math.max(this.position, this.loop[0]), this.loop[1]) : this.position;
    const target = this.loop && inside >= this.loop[1] ? this.loop[0] : inside;
    if (this.playing) this.#replan(target);
    else this.#rest = target;
    this.#note("loop", this.loop ? { from: this.loop[0], to: this.loop[1] } : { off: true });
    this.#emit("loop");
  }

  /** The listener's volume for this trial, never above the level that was set. */
  setVolume(volume) {
    this.master.gain.setTargetAtTime(Math.min(this.level, Math.max(0, volume)), this.context.currentTime, 0.02);
  }

  #replan(position) {
    // at the very same place a cross-fade of a sound with itself is the sound itself
    const now = this.#soon();
    const shift = this.#passAt(now)?.positionAt(now) ?? position;
    const unmoved = Math.abs(position - this.position) < 1e-3;
    const time = this.#halt(now);
    this.#run(time, unmoved ? shift + (time - now) : position);
  }

  /** End every pass at `time` or as soon after as it can be; the position there is where play() goes on. */
  #halt(time) {
    const current = this.#passAt(time);
    const at = current ? this.#onGrid(current.stopsFrom(time)) : time;
    this.#rest = current ? current.positionAt(at) : this.#rest;
    for (const pass of this.#passes) if (pass.end > at) pass.stop(at);
    this.#settle(at);
    return at;
  }

  /** Begin a pass at `time` from `position`, and in a loop as many more as the horizon wants. */
  #run(time, position) {
    const end = this.loop ? this.loop[1] : this.duration;
    const inside = this.loop && position > end - 4 * this.ramp ? this.loop[0] : Math.min(position, end);
    this.#addPass(time, inside, end);
    this.#fill();
  }

  #addPass(time, offset, stopOffset) {
    const rate = this.context.sampleRate;
    const [first, last] = [Math.round(offset * rate) / rate, Math.round(stopOffset * rate) / rate];
    const channels = this.together ? this.#channels : new Map([[this.selected, this.#channels.get(this.selected)]]);
    const fades = { fadeIn: first > 0, fadeOut: this.loop !== null };
    const plan = { start: time, offset: first, stopOffset: last, ramp: this.ramp, ...fades };
    this.#passes.push(new Pass(this.context, channels, plan));
  }

  #fill() {
    if (!this.loop) return;
    const horizon = this.context.currentTime + SCHEDULE_AHEAD_S;
    for (let last = this.#passes.at(-1); last.end < horizon; last = this.#passes.at(-1)) {
      this.#addPass(last.end, ...this.loop);
    }
  }

  /** Count what sounded until `time`. */
  #settle(time) {
    for (const pass of this.#passes) {
      const [from, to] = [Math.max(pass.start, this.#settled), Math.min(pass.end, time)];
      for (const piece of bySelection(this.#selections, from, to)) {
        const heard = this.#heard.get(piece.label);
        const [a, b] = [pass.positionAt(piece.from), pass.positionAt(piece.to)];
        this.#heard.set(piece.label, withInterval(heard, a, Math.min(b, this.durationOf(piece.label))));
      }
    }
    this.#settled = Math.max(this.#settled, time);
    const later = this.#passes.filter((pass) => pass.end > time);
    this.#passes = later.length ? later : this.#passes.slice(-1);
    while (this.#selections.length > 1 && this.#selections[1].time <= this.#settled) this.#selections.shift();
  }

  /** Bring the books up to date; runs by itself while something plays. */
  tick() {
    if (!this.playing) return;
    const now = this.context.currentTime;
    this.#settle(now);
    this.#fill();
    const lost = this.underruns.lost();
    if (lost) this.#note("underrun", { seconds: lost });
    if (!this.loop && this.#passes.length && now >= this.#passes.at(-1).end) {
      this.playing = false;
      this.#stopTimer();
      this.#rest = this.duration;
      this.#note("ended");
      this.#emit("ended");
    }
    this.#emit("progress");
  }

  #startTimer() {
    if (!this.#offline) this.#timer ??= setInterval(() => this.tick(), TICK_MS);
  }

  #stopTimer() {
    clearInterval(this.#timer);
    this.#timer = null;
  }

  get #offline() {
    return "startRendering" in this.context;
  }

  /** Which share of a sound was really played, 0..1: the union of its intervals, however often and in what order. */
  coverage(label) {
    const duration = this.durationOf(label);
    return duration ? Math.min(1, covered(this.#heard.get(label)) / duration) : 0;
  }

  /** {label: [[from, to], ...]} in seconds into each sound. */
  listened() {
    const rounded = (intervals) => intervals.map((pair) => pair.map((s) => Math.round(s * 1e4) / 1e4));
    return Object.fromEntries([...this.#heard].map(([label, intervals]) => [label, rounded(intervals)]));
  }

  /** What happened since load(), oldest first: {at: ms, type, label, position, ...}. */
  events() {
    return this.log.entries();
  }

  #note(type, facts = {}) {
    this.log.add(type, { label: this.selected, position: this.position, ...facts });
  }

  /** Add to the log something that the page did, such as an answer changed. */
  note(type, facts = {}) {
    this.#note(type, facts);
  }

  /** Hear of load, play, pause, ended, switch, seek, loop, progress, state; returns the function that ends it. */
  on(event, handler) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(handler);
    return () => this.#listeners.get(event).delete(handler);
  }

  #emit(event, fact) {
    for (const handler of this.#listeners.get(event) ?? []) handler(fact);
  }

  /** Stop, let go of the page; the context stays open, it is the page's. */
  destroy() {
    this.clear();
    this.#offHandlers.forEach((off) => off());
    this.#listeners.clear();
    setTimeout(() => this.master.disconnect(), 1000 * this.ramp + 250);
  }
}

export { renderOffline } from "./offline.js";
