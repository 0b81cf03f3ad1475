// What the page asks of the server: live jobs, their events as they happen, uploads.

export const BASE = new URL("../../../live/", import.meta.url); // of /app-static/HASH/compare/
const RETRY_MS = [250, 500, 1000, 2000, 4000];

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function ask(path, options = {}) {
  let reply;
  try {
    reply = await fetch(new URL(path, BASE), { credentials: "same-origin", cache: "no-store", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "the server does not answer; check that it runs and try again");
  }
  if (reply.ok) return reply;
  const said = await reply.json().catch(() => ({}));
  throw new Refused(reply.status, said.error ?? `the server answered ${reply.status}; reload the page and try again`);
}

const json = (body) => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

/** Queue the decoding of a view (its query, as in the permanent link). @returns {Promise<string>} the job's id */
export async function submit(query) {
  return (await (await ask("jobs", json({ query }))).json()).id;
}

export const cancel = (id) => ask(`jobs/${id}/cancel`, json({}));

/** What is shown below the rows once all is decoded: HTML that the server drew. */
export const sideBySide = async (id) => (await ask(`jobs/${id}/side-by-side`)).text();

/** @param {Blob} file; @returns {Promise<{id: string, seconds: number}>} */
export async function upload(file, name) {
  const path = `uploads?name=${encodeURIComponent(name)}`;
  return (await ask(path, { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file })).json();
}

export const describeUpload = async (id) => (await ask(`uploads/${encodeURIComponent(id)}`)).json();
export const forget = (id) => ask(`uploads/${encodeURIComponent(id)}`, { method: "DELETE" });

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    yield* parts.filter((line) => line.trim());
  }
}

/**
 * Every event of a job from its beginning, once each and in order, also over a connection that breaks.
 * @param {string} id
 * @param {{signal?: AbortSignal, onLost?: () => void}} options
 */
export async function* follow(id, { signal, onLost } = {}) {
  let [seen, failures] = [0, 0];
  for (;;) {
    try {
      const reply = await ask(`jobs/${id}/events?from=${seen}`, { signal });
      for await (const line of lines(reply.body)) {
        const event = JSON.parse(line);
        failures = 0;
        if (event.kind === "alive") continue; // says only that the connection stands
        seen = event.number + 1;
        yield event;
        if (["finished", "cancelled", "broken"].includes(event.kind)) return;
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (error instanceof Refused && error.status >= 400) throw error;
    }
    if (signal?.aborted) return;
    onLost?.();
    await pause(RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
  }
}
