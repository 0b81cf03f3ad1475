// Talking to the service so that no answer is lost: every answer has an id of its own, is kept in this browser until the
// server has acknowledged it, and is sent again (same id, so counted once) for as long as it takes.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15000;
const PATIENCE_MS = 20000; // for one request

/** The service answered, and it said no: status 4xx with the reason to show. */
export class Refused extends Error {
  constructor(status, body) {
    super(reasonOf(body) ?? `HTTP ${status}`);
    this.status = status;
    this.body = body;
  }
}

function reasonOf(body) {
  const reason = body?.error ?? body?.detail;
  return typeof reason === "string" ? reason : undefined;
}

/** Random and unique; crypto.randomUUID is missing where the page is not served over https or from this machine. */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

export class Transport {
  /**
   * @param {URL} base of the service, ending in a slash
   * @param {Storage} storage of this study
   * @param {(state: string) => void} onState hears "saving"; "saved"; "offline" or "unreachable" while an answer
   *     waits, "waiting" while something else does; "back"; "" when an answer was refused
   */
  constructor(base, storage, onState) {
    Object.assign(this, { base, storage, onState });
    this.down = false;
  }

  get session() {
    return this.storage.get("session");
  }

  set session(token) {
    this.storage.set("session", token);
  }

  /** A request until the service answers, yes or no. Throws Refused for a no. */
  async #send(method, path, body) {
    const json = body === undefined ? undefined : JSON.stringify(body);
    const headers = json ? { "Content-Type": "application/json" } : {};
    const reply = await this.#patiently(path, { method, body: json, headers });
    const content = await reply.json().catch(() => null);
    if (!reply.ok) throw new Refused(reply.status, content);
    return content;
  }

  /** fetch, again and again while the network or the server is away; returns a reply that is neither 5xx nor 429. */
  async #patiently(path, options, signal) {
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(LONGEST_WAIT_MS, 2 * wait)) {
      const reply = await this.#attempt(path, options);
      if (reply && reply.status < 500 && reply.status !== 429) {
        if (this.down && !this.storage.get("pending")) this.onState("back"); // else "saved" says it
        this.down = false;
        return reply;
      }
      if (signal?.aborted) throw new Error("no longer wanted");
      if (reply?.status !== 429) {
        this.down = true;
        const kept = navigator.onLine === false ? "offline" : "unreachable";
        this.onState(this.storage.get("pending") ? kept : "waiting");
      }
      const asked = 1000 * Number(reply?.headers.get("Retry-After") ?? 0);
      await sleepUntilOnline(Math.max(asked || 0, wait * (0.75 + 0.5 * Math.random())));
    }
  }

  async #attempt(path, options) {
    const headers = { ...options.headers };
    if (this.session) headers.Authorization = `Bearer ${this.session}`;
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), PATIENCE_MS);
    try {
      return await fetch(new URL(path, this.base), {
        ...options, headers, signal: limit.signal, credentials: "same-origin", cache: "no-store",
      });
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  study(token) {
    return this.#send("GET", `api/studies/${encodeURIComponent(token)}`);
  }

  /** Begin or find again a session; keeps its token. */
  async start(request) {
    const old = this.session;
    const begun = await this.#send("POST", "api/sessions", old ? { ...request, session: old } : request);
    if (begun.session !== old) this.storage.set("pending", undefined);
    this.session = begun.session;
    return begun;
  }

  step() {
    return this.#send("GET", "api/step");
  }

  /** Send an answer; resolves to the next step once the server has saved it. Throws Refused where it will not. */
  answer(step, answer, { listened = {}, events = [] } = {}) {
    this.storage.set("pending", { client_id: newId(), step, answer, listened, events });
    return this.#deliver();
  }

  /** Where to go on: after delivering what an earlier page could not, if there is such an answer. */
  async resume() {
    if (!this.storage.get("pending")) return this.step();
    try {
      return await this.#deliver();
    } catch (error) {
      if (error.status === 401) throw error;
      return this.step(); // it was not accepted: the listener answers again
    }
  }

  async #deliver() {
    const pending = this.storage.get("pending");
    this.onState("saving");
    try {
      const { next } = await this.#send("POST", "api/answers", pending);
      this.#forget(pending);
      this.onState("saved");
      return next;
    } catch (error) {
      this.#forget(pending);
      this.onState("");
      if (error.status === 401) throw error;
      const now = await this.step();
      if (now.step !== pending.step) return now; // answered from another tab or device, or the session is over
      throw error;
    }
  }

  #forget({ client_id }) {
    if (this.storage.get("pending")?.client_id === client_id) this.storage.set("pending", undefined);
  }

  withdraw(deleteRatings) {
    return this.#send("POST", "api/withdraw", { delete_ratings: deleteRatings });
  }

  /** A sound's bytes. */
  async sound(url, signal) {
    const reply = await this.#patiently(url.replace(/^\//, ""), {}, signal);
    if (!reply.ok) throw new Refused(reply.status, null);
    return reply.arrayBuffer();
  }
}

function sleepUntilOnline(milliseconds) {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      removeEventListener("online", wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    addEventListener("online", wake);
  });
}
