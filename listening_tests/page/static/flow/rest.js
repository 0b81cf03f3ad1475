// A break, and the comments at the end.

import { element, freshId } from "../parts/dom.js";
import { formScreen } from "./form.js";

const LONGEST = 4000; // characters, as the server has it

export function breakScreen(step, { t, answer }) {
  const { done, of } = step.public;
  return formScreen(
    { name: "break", title: t("break.title"), button: t("break.continue"), onSend: () => answer({ done: true }) },
    element("p", { class: "lt-prose" }, t("break.text", { done, of })),
  );
}

export function commentsScreen(step, { t, answer }) {
  const id = freshId("comment");
  const text = element("textarea", { id, rows: 5, maxlength: LONGEST });
  return formScreen(
    { name: "comments", title: t("comments.title"), button: t("comments.continue"), onSend: () => answer({ text: text.value }) },
    element("p", { class: "lt-prose" }, t("comments.text")),
    element("div", { class: "lt-field" }, element("label", { for: id }, t("comments.label")), text),
  );
}

/** Shown once, before the first sound that is judged: how it works. Nothing of it goes to the server. */
export function introScreen(step, { t, onDone }) {
  const points = ["intro.listen", "intro.answer"];
  if (step.kind === "training") points.push("intro.practice");
  if (step.public?.beeps) points.push("beeps.instruction");
  return formScreen(
    { name: "intro", title: t("intro.title"), button: t("intro.continue"), onSend: async () => onDone() },
    element("ul", { class: "lt-prose flow-points" }, ...points.map((key) => element("li", {}, t(key)))),
  );
}
