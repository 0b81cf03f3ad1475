// A waveform that grows with the stream: peaks a pixel, seams, and where it plays.

import { RATE } from "./stream.js";

/** Draws a stream on a canvas, in the colours that the style sheet gives it; `full` is the amplitude at its edges. */
export class Waveform {
  /** @param {HTMLCanvasElement} canvas; @param {import("./stream.js").Stream} stream */
  constructor(canvas, stream) {
    Object.assign(this, { canvas, stream, seconds: 0, full: 1, asked: false });
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** Draw with the next frame, however often it is asked. @param {number|null} position seconds, where it plays */
  draw(position = this.position ?? null) {
    this.position = position;
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.#draw();
    });
  }

  #draw() {
    const { canvas, stream } = this;
    const scale = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth * scale, canvas.clientHeight * scale].map(Math.round);
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    const total = Math.max(this.seconds, stream.seconds) * RATE || 1;
    context.clearRect(0, 0, width, height);
    context.fillStyle = style.getPropertyValue("--seam") || "#888";
    for (const seam of stream.seams) context.fillRect(Math.round((seam / total) * width), 0, scale, height);
    context.fillStyle = style.color;
    this.#peaks(context, { width, height, total });
    if (this.position !== null) {
      context.fillStyle = style.getPropertyValue("--playhead") || style.color;
      context.fillRect(Math.round(((this.position * RATE) / total) * width), 0, 2 * scale, height);
    }
  }

  #peaks(context, { width, height, total }) {
    const samplesAPixel = total / width;
    const middle = height / 2;
    for (const chunk of this.stream.chunks) {
      const last = Math.ceil((chunk.start + chunk.samples.length) / samplesAPixel);
      for (let x = Math.floor(chunk.start / samplesAPixel); x < last; x++) {
        const from = Math.max(0, Math.floor(x * samplesAPixel) - chunk.start);
        const to = Math.min(chunk.samples.length, Math.max(from + 1, Math.floor((x + 1) * samplesAPixel) - chunk.start));
        let [low, high] = [0, 0];
        for (let i = from; i < to; i++) {
          if (chunk.samples[i] < low) low = chunk.samples[i];
          else if (chunk.samples[i] > high) high = chunk.samples[i];
        }
        const unit = middle / this.full;
        context.fillRect(x, middle - high * unit, 1, Math.max(1, (high - low) * unit));
      }
    }
  }
}
