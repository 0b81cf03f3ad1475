// The first screen, and the one on coming back. Its button is the click that browsers want before they let a page sound.

import { element, freshId } from "../parts/dom.js";
import { formScreen } from "./form.js";
import { LANGUAGE_NAMES } from "./texts.js";

const PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"; // Mechanical Turk, before a worker accepts

export function languageChoice(t, languages, chosen, onChange) {
  if (languages.length < 2) return null;
  const id = freshId("language");
  const select = element("select", { id, onchange: (event) => onChange(event.target.value) },
    ...languages.map((code) => element("option", { value: code, selected: code === chosen, lang: code }, LANGUAGE_NAMES[code] ?? code)));
  return element("div", { class: "lt-field flow-language" }, element("label", { for: id }, t("language.choose")), select);
}

export function welcomeScreen(study, { t, language, parameters, invitation, onLanguage, onStart }) {
  const preview = parameters.assignmentId === PREVIEW;
  const code = study.needs_invitation && !invitation ? element("input", { type: "text", id: freshId("invitation"), autocomplete: "off", required: true }) : null;
  const missing = () => {
    if (preview) return t("welcome.preview");
    return code && !code.value.trim() ? t("welcome.invitation_needed") : "";
  };
  const points = [["welcome.minutes", { minutes: Math.max(1, Math.round(study.minutes ?? 0)) }], ["welcome.quiet"], ["welcome.headphones"], ["welcome.saved"]];
  const screen = formScreen(
    { name: "welcome", title: study.title, button: t("welcome.start"), ready: missing, onSend: () => onStart(code?.value.trim() || invitation) },
    element("p", { class: "lt-prose" }, t("welcome.about")),
    element("ul", { class: "lt-prose flow-points" }, ...points.filter(([key]) => key !== "welcome.minutes" || study.minutes).map(([key, values]) => element("li", {}, t(key, values)))),
    preview ? element("p", { class: "lt-banner" }, t("welcome.preview")) : null,
    code && element("div", { class: "lt-field" }, element("label", { for: code.id }, t("welcome.invitation")), code),
    languageChoice(t, study.languages, language, onLanguage),
  );
  return { ...screen, titled: true }; // the study's title stands in the card already
}

export function backScreen(study, { t, language, onLanguage, onStart }) {
  return formScreen(
    { name: "back", title: t("welcome.back_title"), button: t("welcome.resume"), onSend: () => onStart() },
    element("p", { class: "lt-prose" }, t("welcome.back")),
    languageChoice(t, study.languages, language, onLanguage),
  );
}
