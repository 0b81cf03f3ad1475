// The sounds of this step and the next, fetched once each.

export class SoundCache {
  #sounds = new Map(); // url -> {bytes: Promise<ArrayBuffer>, limit}

  constructor(transport) {
    this.transport = transport;
    this.fetch = (url) => this.#get(url).bytes;
  }

  #get(url) {
    if (!this.#sounds.has(url)) {
      const limit = new AbortController();
      const bytes = this.transport.sound(url, limit.signal);
      const sound = { bytes, limit };
      bytes.catch(() => this.#sounds.get(url) === sound && this.#sounds.delete(url)); // so that asking again asks the server
      this.#sounds.set(url, sound);
    }
    return this.#sounds.get(url);
  }

  /** Keep what this step needs, let go of the rest. */
  keep(urls) {
    for (const [url, { limit }] of this.#sounds) {
      if (urls.includes(url)) continue;
      limit.abort();
      this.#sounds.delete(url);
    }
  }

  /** Fetch ahead, one after another so that the present step's sounds are not held up. */
  async ahead(urls) {
    for (const url of urls) await this.#get(url).bytes.catch(() => null);
  }
}
