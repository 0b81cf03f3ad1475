// One system's audio as it arrives: samples in chunks, and which of them have sounded.

export const RATE = 16000;

/** The audio of one system, growing chunk by chunk. */
export class Stream {
  constructor() {
    this.chunks = []; // {start, samples: Float32Array, seam}
    this.length = 0; // samples
    this.complete = false;
    this.gain = 1; // that brings it to the reference's level, known once all is decoded
  }

  /** @param {Float32Array} samples that follow the last; @param {number|null} seam sample at which they were joined */
  push(samples, seam = null) {
    const chunk = { start: this.length, samples, seam };
    this.chunks.push(chunk);
    this.length += samples.length;
    return chunk;
  }

  get seconds() {
    return this.length / RATE;
  }

  get seams() {
    return this.chunks.slice(1).map((chunk) => chunk.seam ?? chunk.start);
  }
}
