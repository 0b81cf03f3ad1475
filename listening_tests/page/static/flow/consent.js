// Consent: what happens, what is kept, and the listener's yes.

import { element } from "../parts/dom.js";
import { formScreen } from "./form.js";
import { safeNodes } from "./safe_html.js";

const OWN = ["purpose", "voluntary", "data", "volume"];

function paragraphs(t, { text, html, contact }, language) {
  const own = html ?? (typeof text === "object" && text !== null ? (text[language] ?? Object.values(text)[0]) : text);
  const body = own ? safeNodes(own) : OWN.map((key) => element("p", {}, t(`consent.${key}`)));
  return contact ? [...body, element("p", { class: "lt-small" }, t("consent.contact", { contact }))] : body;
}

export function consentScreen(step, { t, language, answer }) {
  const box = element("input", { type: "checkbox", name: "agreed" });
  return formScreen(
    {
      name: "consent",
      title: t("consent.title"),
      button: t("consent.continue"),
      ready: () => (box.checked ? "" : t("consent.tick")),
      onSend: () => answer({ agreed: true }),
    },
    element("div", { class: "lt-prose" }, ...paragraphs(t, step.public ?? {}, language)),
    element("label", { class: "lt-choice" }, box, element("span", {}, t("consent.agree"))),
  );
}
