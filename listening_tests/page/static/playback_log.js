// What a reviewer may ask of a trial's playback: what was pressed when, on what device, and whether the sound held.

const MOST_EVENTS = 1000; // an answer's body has a limit

export class EventLog {
  #entries = [];
  #dropped = 0;
  #zero = 0;

  start() {
    [this.#entries, this.#dropped, this.#zero] = [[], 0, performance.now()];
  }

  add(type, facts) {
    if (this.#entries.length >= MOST_EVENTS) {
      this.#dropped += 1;
      return;
    }
    const rounded = Object.entries(facts).map(([name, fact]) => [
      name,
      typeof fact === "number" ? Math.round(fact * 1e4) / 1e4 : fact,
    ]);
    this.#entries.push({ at: Math.round(performance.now() - this.#zero), type, ...Object.fromEntries(rounded) });
  }

  /** All entries, and where some did not fit a last one that says how many. */
  entries() {
    const more = this.#dropped ? [{ at: Math.round(performance.now() - this.#zero), type: "dropped", n: this.#dropped }] : [];
    return [...this.#entries, ...more];
  }
}

const LAG_S = 0.1; // well above the jitter of currentTime, well below a gap that spoils a rating unnoticed
const DRIFT = 1e-3; // sound cards' clocks differ from the computer's by far less

/**
 * Tells when the sound card had nothing to play. Chromium counts that itself (AudioContext.playbackStats); elsewhere the
 * audio clock falls behind the computer's.
 */
export class Underruns {
  #context;
  #least = Infinity;
  #last = 0;
  #count = 0;

  constructor(context) {
    this.#context = context;
    this.reset();
  }

  get #counted() {
    return this.#context.playbackStats?.underrunDuration ?? null;
  }

  reset() {
    this.#least = Infinity;
    this.#last = performance.now() / 1000;
    this.#count = this.#counted ?? 0;
  }

  /** Seconds lost since the last call, 0 for none. */
  lost() {
    const counted = this.#counted;
    if (counted !== null) {
      const lost = counted - this.#count;
      this.#count = counted;
      return lost > 0 ? lost : 0;
    }
    if (this.#context.state !== "running") {
      this.#least = Infinity;
      return 0;
    }
    const now = performance.now() / 1000;
    const lag = now - this.#context.currentTime;
    this.#least = Math.min(lag, this.#least + DRIFT * (now - this.#last));
    this.#last = now;
    if (lag - this.#least < LAG_S) return 0;
    const lost = lag - this.#least;
    this.#least = lag;
    return lost;
  }
}
