// Questions about the listener, each of them optional.

import { element, freshId } from "../parts/dom.js";
import { formScreen } from "./form.js";

const CHOICES = {
  age_group: ["18-24", "25-34", "35-44", "45-54", "55-64", "65plus"],
  gender: ["woman", "man", "other"],
  hearing: ["normal", "mild", "aid"],
  device: ["over_ear", "in_ear", "loudspeakers"],
  experience: ["never", "some", "often"],
};

function field(t, name) {
  const id = freshId("question");
  const options = (CHOICES[name] ?? []).map((value) => element("option", { value }, t(`questions.${name}.${value}`)));
  const input = options.length
    ? element("select", { id, name }, element("option", { value: "" }, t("questions.none")), ...options)
    : element("input", { id, name, type: "text", maxlength: 80, autocomplete: "off", placeholder: t("questions.none") });
  return element("div", { class: "lt-field" }, element("label", { for: id }, t(`questions.${name}.label`)), input);
}

export function questionsScreen(step, { t, answer }) {
  const fields = (step.public?.questions ?? []).map((name) => field(t, name));
  const replies = () =>
    Object.fromEntries(
      fields.map((row) => row.querySelector("select, input")).filter((input) => input.value.trim())
        .map((input) => [input.name, input.value.trim()]),
    );
  return formScreen(
    { name: "questions", title: t("questions.title"), button: t("questions.continue"), onSend: () => answer({ replies: replies() }) },
    element("p", { class: "lt-prose" }, t("questions.optional")), ...fields,
  );
}
