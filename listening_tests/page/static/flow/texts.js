// The page's texts in the listener's language.

/** Fetch the texts and return t(key, values): the text with {name} filled in; the key itself where there is none. */
export async function loadTexts(base, language) {
  const reply = await fetch(new URL(`assets/texts.json?lang=${encodeURIComponent(language)}`, base));
  if (!reply.ok) throw new Error(`texts: HTTP ${reply.status}`);
  const table = await reply.json();
  document.documentElement.lang = language;
  return (key, values = {}) => (table[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** The first language that both the listener and the study speak, else the study's first. */
export function preferred(wanted, offered) {
  const short = wanted.filter(Boolean).map((language) => language.toLowerCase().split("-")[0]);
  return short.find((language) => offered.includes(language)) ?? offered[0] ?? "en";
}

export const LANGUAGE_NAMES = { en: "English", zh: "中文", es: "Español", de: "Deutsch" };

/** "About 5 min left" */
export function remainingText(t, seconds) {
  if (!Number.isFinite(seconds)) return "";
  const minutes = Math.round(seconds / 60);
  if (seconds < 25) return t("progress.soon");
  return minutes <= 1 ? t("progress.minute") : t("progress.minutes", { minutes });
}
