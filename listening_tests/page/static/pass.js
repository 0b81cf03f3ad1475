// One uninterrupted run through the sounds: from `offset` to `stopOffset` (seconds into the sounds), starting at the
// context's time `start`. All its AudioBufferSourceNodes get the same start time and offset, on the sample grid, so
// they stay together to the sample for as long as the pass lasts.

export class Pass {
  /**
   * @param {BaseAudioContext} context
   * @param {Map<string, {buffer: AudioBuffer, gain: GainNode}>} channels label -> sound and where it goes
   * @param {{start: number, offset: number, stopOffset: number, ramp: number, fadeIn: boolean, fadeOut: boolean}} plan
   */
  constructor(context, channels, { start, offset, stopOffset, ramp, fadeIn, fadeOut }) {
    Object.assign(this, { start, offset, ramp, end: start + stopOffset - offset });
    this.fadesOutAt = fadeOut ? this.end - ramp : Infinity;
    // From here on the gates stand open. The end of the ramp itself would be too early: stop() takes back all that was
    // scheduled at its time or later, and the ramp with it.
    this.settledAt = fadeIn ? start + ramp + 0.001 : start;
    this.voices = [];
    for (const { buffer, gain } of channels.values()) {
      if (offset >= buffer.duration) continue;
      const source = context.createBufferSource();
      const gate = context.createGain();
      source.buffer = buffer;
      source.connect(gate).connect(gain);
      this.#shape(gate.gain, fadeIn, fadeOut);
      source.start(start, offset, stopOffset - offset);
      this.voices.push({ source, gate });
    }
  }

  #shape(gain, fadeIn, fadeOut) {
    gain.value = fadeIn ? 0 : 1; // from before the start on: rounding may let the source begin a sample early
    gain.setValueAtTime(gain.value, this.start);
    if (fadeIn) gain.linearRampToValueAtTime(1, this.start + this.ramp);
    if (!fadeOut) return;
    gain.setValueAtTime(1, this.fadesOutAt);
    gain.linearRampToValueAtTime(0, this.end);
  }

  /** Where in the sounds the pass is at the context's time `time`. */
  positionAt(time) {
    return this.offset + Math.min(Math.max(time, this.start), this.end) - this.start;
  }

  /** The first moment from `time` on at which the pass can be stopped without a click. */
  stopsFrom(time) {
    return Math.max(time, this.settledAt);
  }

  /** Fade out from the context's time `time` on (see stopsFrom); a pass that has not begun by then never sounds. */
  stop(time) {
    if (time <= this.start) {
      for (const { source, gate } of this.voices) {
        source.stop();
        gate.disconnect();
      }
      this.end = this.start;
      return;
    }
    if (time >= Math.min(this.end, this.fadesOutAt)) return; // on its way out already
    for (const { source, gate } of this.voices) {
      gate.gain.cancelScheduledValues(time);
      gate.gain.setValueAtTime(1, time);
      gate.gain.linearRampToValueAtTime(0, time + this.ramp);
      source.stop(time + this.ramp);
    }
    this.end = time;
  }
}
