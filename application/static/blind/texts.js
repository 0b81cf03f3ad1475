// The listeners' texts, but for what is asked here: a second of every sound, not all of it.

const OWN = {
  "trial.submit": "Answer",
  "trial.listen_first": "Listen to at least a second of {labels} first.",
};

/** @returns {Promise<(key: string, values?: object) => string>} */
export async function loadTexts() {
  const reply = await fetch(new URL("../../../assets/texts.json?lang=en", import.meta.url));
  const table = { ...(reply.ok ? await reply.json() : {}), ...OWN };
  return (key, values = {}) => (table[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
