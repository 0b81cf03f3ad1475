// What this browser keeps of a study: the session's token, the answer on its way, the volume, the language.

const PREFIX = "listening.";

/** A small JSON table a study in localStorage; where that is forbidden (private windows), in memory for as long as the tab lives. */
export class Storage {
  #table;
  #stored = true;

  constructor(study, area = localArea()) {
    this.key = PREFIX + study;
    this.area = area;
    this.#table = this.#read();
  }

  #read() {
    try {
      return JSON.parse(this.area?.getItem(this.key) ?? "{}") ?? {};
    } catch {
      return {}; // not ours, or damaged: the server knows all that matters
    }
  }

  get(name) {
    if (this.#stored) this.#table = this.#read(); // another tab may have written
    return this.#table[name];
  }

  set(name, value) {
    if (this.#stored) this.#table = this.#read();
    this.#table[name] = value; // JSON leaves out what is undefined
    try {
      this.area.setItem(this.key, JSON.stringify(this.#table));
    } catch {
      this.#stored = false; // full or forbidden: memory holds it from now on
    }
  }
}

function localArea() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}
