// What the panel asks of the server.

const BASE = new URL("../../../blind/", import.meta.url); // /app-static/HASH/blind/ lies beside /blind/

async function ask(path, body) {
  const post = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  let reply;
  try {
    reply = await fetch(new URL(path, BASE), { credentials: "same-origin", cache: "no-store", ...(body ? post : {}) });
  } catch {
    throw new Error("the server does not answer; check that it runs and try again");
  }
  const said = await reply.json().catch(() => ({}));
  if (!reply.ok) {
    const message = said.error ?? `the server answered ${reply.status}; reload the page and try again`;
    throw Object.assign(new Error(message), { status: reply.status });
  }
  return said;
}

/** @param {{job, first, second, kind, trials, show_running}} wish @returns the test's state with its id */
export const begin = (wish) => ask("tests", wish);
export const state = (id) => ask(`tests/${id}`);
export const answer = (id, number, choice) => ask(`tests/${id}/answers`, { number, choice });
export const end = (id) => ask(`tests/${id}/end`, {});
export const soundUrl = (token) => new URL(`sounds/${token}`, BASE).href;
