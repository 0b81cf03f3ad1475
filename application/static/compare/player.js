// Plays one stream at a time, gapless, while it still grows: chunks are put one behind the other on the audio clock.

import { RATE } from "./stream.js";

const LEAD_S = 0.03; // what is scheduled sooner may come late on the render thread
const FADE_S = 0.008;

let shared = null;

/** The page's one AudioContext, at the decoders' own rate: nothing is resampled chunk by chunk, so joins stay exact. */
export function audioContext() {
  shared ??= new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
  return shared;
}

/** Emits `change`, `underrun` {seconds}, `sounding` {ms}, `ended` to its handlers. */
export class Player {
  #nodes = []; // {node, from, to: context seconds, position: seconds into the stream}
  #next = 0; // context time at which the next chunk goes on
  #index = 0; // of the next chunk of the stream
  #timer = null;
  #waiting = null; // context time at which the stream ran dry

  constructor(handlers = {}) {
    this.handlers = handlers;
    this.stream = null;
    this.underruns = 0;
    this.lost = 0; // seconds of silence between chunks that came too late
    this.matched = true;
  }

  get playing() {
    return this.stream !== null;
  }

  /** Play a stream, from `from` seconds; what has not arrived yet sounds as soon as it does. Call it in a key press or click. */
  async play(stream, from = 0) {
    const context = audioContext();
    this.stop();
    this.stream = stream;
    const pass = (this.pass = Symbol("pass"));
    [this.underruns, this.lost, this.pressed, this.sounded] = [0, 0, performance.now(), null];
    this.#master(context, stream);
    this.handlers.change?.();
    if (context.state !== "running") await context.resume();
    if (this.pass !== pass) return; // stopped meanwhile, be it to begin the same stream again
    this.#next = context.currentTime + LEAD_S;
    this.#index = stream.chunks.findIndex((chunk) => chunk.start + chunk.samples.length > from * RATE);
    if (this.#index < 0) this.#index = stream.chunks.length;
    this.#skip = Math.max(0, Math.round(from * RATE) - (stream.chunks[this.#index]?.start ?? Infinity));
    this.#waiting = null;
    this.#fill();
    this.#timer = setInterval(() => this.#tick(), 40);
  }

  #skip = 0; // samples of the first chunk that lie before the place to start from

  #master(context, stream) {
    this.gain = context.createGain();
    this.gain.gain.value = this.matched ? stream.gain : 1;
    this.gain.connect(context.destination);
  }

  /** New chunks of this stream, or its end, have come. */
  arrived(stream) {
    if (stream === this.stream && this.#timer !== null) this.#fill();
  }

  #fill() {
    const context = audioContext();
    for (const chunks = this.stream.chunks; this.#index < chunks.length; this.#index++) this.#schedule(context, chunks[this.#index]);
  }

  #schedule(context, chunk) {
    const samples = this.#skip ? chunk.samples.subarray(this.#skip) : chunk.samples;
    const position = (chunk.start + this.#skip) / RATE;
    this.#skip = 0;
    if (!samples.length) return;
    if (this.#next < context.currentTime + LEAD_S / 3) this.#late(context, position);
    const buffer = context.createBuffer(1, samples.length, RATE);
    buffer.copyToChannel(samples, 0);
    const node = context.createBufferSource();
    node.buffer = buffer;
    node.connect(this.gain);
    const from = Math.ceil(this.#next * RATE - 1e-6) / RATE; // on the sample grid, so that chunks join without a gap
    node.start(from);
    this.#next = from + samples.length / RATE;
    this.#nodes.push({ node, from, to: this.#next, position });
    if (this.sounded === null) this.#first(context, from);
  }

  #late(context, position) {
    const now = context.currentTime + LEAD_S;
    if (this.#nodes.length) {
      this.underruns += 1;
      this.lost += now - this.#next;
      this.handlers.underrun?.({ seconds: now - this.#next, position });
    }
    [this.#next, this.#waiting] = [now, null];
  }

  /** When the first sample leaves the loudspeaker, in ms of performance.now(), the device's own delay included. */
  #first(context, from) {
    const stamp = context.getOutputTimestamp?.() ?? {};
    const out = stamp.performanceTime
      ? stamp.performanceTime + 1000 * (from - stamp.contextTime)
      : performance.now() + 1000 * (from - context.currentTime + (context.outputLatency || context.baseLatency || 0));
    this.sounded = Math.max(out, performance.now());
    this.handlers.sounding?.({ at: this.sounded, pressed: this.pressed, stream: this.stream });
  }

  #tick() {
    const now = audioContext().currentTime;
    const dry = this.#nodes.length > 0 && now >= this.#next;
    if (dry && this.stream.complete && this.#index >= this.stream.chunks.length) {
      this.stop(true);
      return;
    }
    if (dry && this.#waiting === null) this.#waiting = this.#next;
    this.handlers.tick?.();
  }

  /** Whether it waits for audio that has not come. */
  get starved() {
    return this.playing && (this.#waiting !== null || !this.#nodes.length);
  }

  /** Seconds into the stream that sound now. */
  get position() {
    const context = audioContext();
    const now = context.currentTime - (context.outputLatency || 0);
    const last = this.#nodes.findLast((one) => one.from <= now);
    if (!last) return this.#nodes[0]?.position ?? 0;
    return last.position + Math.min(now, last.to) - last.from;
  }

  /** Samples of this pass that have sounded. */
  get played() {
    if (!this.playing) return 0;
    const now = audioContext().currentTime;
    return Math.round(RATE * this.#nodes.reduce((sum, one) => sum + Math.max(0, Math.min(now, one.to) - one.from), 0));
  }

  setMatched(matched) {
    this.matched = matched;
    this.level();
  }

  /** Take the stream's gain as it is now. */
  level() {
    if (this.playing) this.gain.gain.setTargetAtTime(this.matched ? this.stream.gain : 1, audioContext().currentTime, 0.01);
  }

  stop(ended = false) {
    clearInterval(this.#timer);
    this.#timer = null;
    this.pass = null;
    if (!this.playing) return;
    const stream = this.stream;
    const end = audioContext().currentTime + FADE_S;
    this.gain.gain.setTargetAtTime(0, audioContext().currentTime, FADE_S / 3);
    for (const { node } of this.#nodes) node.stop(end + FADE_S);
    const gain = this.gain;
    setTimeout(() => gain.disconnect(), 200);
    [this.#nodes, this.stream] = [[], null];
    if (ended) this.handlers.ended?.(stream);
    this.handlers.change?.();
  }
}
