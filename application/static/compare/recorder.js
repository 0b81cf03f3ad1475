// A recording of the microphone, as it is: no echo cancellation, no noise suppression, no lossy codec in between.

import { encodeWav } from "./wav.js";

const RAW = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };

/** Whether this page may ask for the microphone: a browser lets it on https and on the machine itself only. */
export const canRecord = () => Boolean(isSecureContext && navigator.mediaDevices?.getUserMedia);

export class Recorder {
  /** @param {number} maxSeconds it ends by itself then; @param {(seconds: number, peak: number) => void} onProgress */
  constructor(maxSeconds, onProgress, onFull) {
    Object.assign(this, { maxSeconds, onProgress, onFull, chunks: [], samples: 0 });
  }

  /** @throws {Error} one line: not allowed, no microphone */
  async start() {
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: RAW });
    } catch (error) {
      const why = { NotAllowedError: "the microphone was not allowed; allow it for this page in the browser's address bar", NotFoundError: "no microphone found; connect one, or choose a file" };
      throw new Error(why[error.name] ?? `the microphone did not start (${error.message}); choose a file instead`);
    }
    this.context = new AudioContext();
    await this.context.audioWorklet.addModule(new URL("recorder_worklet.js", import.meta.url));
    const tap = new AudioWorkletNode(this.context, "tap", { numberOfOutputs: 0 });
    tap.port.onmessage = ({ data }) => this.#take(data);
    this.context.createMediaStreamSource(this.stream).connect(tap);
  }

  #take(chunk) {
    if (this.stopped) return;
    this.chunks.push(chunk);
    this.samples += chunk.length;
    const seconds = this.samples / this.context.sampleRate;
    this.onProgress(seconds, chunk.reduce((peak, value) => Math.max(peak, Math.abs(value)), 0));
    if (seconds >= this.maxSeconds) {
      this.stopped = true;
      this.onFull();
    }
  }

  /** @returns {Promise<Blob>} a WAV file at the device's rate */
  async stop() {
    this.stopped = true;
    const rate = this.context.sampleRate;
    this.stream.getTracks().forEach((track) => track.stop());
    await this.context.close();
    const all = new Float32Array(Math.min(this.samples, Math.floor(this.maxSeconds * rate)));
    let at = 0;
    for (const chunk of this.chunks) {
      all.set(chunk.subarray(0, Math.max(0, all.length - at)), at);
      at += chunk.length;
    }
    return new Blob([encodeWav(all, rate)], { type: "audio/wav" });
  }
}
