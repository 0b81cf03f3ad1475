// Hands what the microphone gives to the page, 2048 samples at a time.

class Tap extends AudioWorkletProcessor {
  #held = new Float32Array(2048);
  #filled = 0;

  process([[channel]]) {
    for (const value of channel ?? []) {
      this.#held[this.#filled++] = value;
      if (this.#filled === this.#held.length) {
        this.port.postMessage(this.#held.slice());
        this.#filled = 0;
      }
    }
    return true;
  }
}
registerProcessor("tap", Tap);
