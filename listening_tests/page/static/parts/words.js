// How trials speak of labels.

/** What a listener reads for a label: letters and numbers as they are, words from the texts. */
export function labelName(t, label) {
  return /^[A-Z0-9]{1,2}$/.test(label) ? label : t(`label.${label}`);
}

/** "A", "A and B", "A, B and X" in the page's language. */
export function listOf(t, labels) {
  const names = labels.map((label) => labelName(t, label));
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} ${t("trial.and")} ${names.at(-1)}`;
}

/** A study's own question in the page's language, or the protocol's. */
export function questionText(t, { question, question_key: key }, language) {
  if (typeof question === "string" && question) return question;
  if (question && typeof question === "object") {
    const own = question[language] ?? Object.values(question)[0];
    if (own) return own;
  }
  return t(key);
}

/** The text of one answer of a scale. */
export function answerText(t, { label, label_key: key, value }) {
  return label ?? (key ? t(key) : String(value));
}
