// A test that is over: what it says, and which sound was which.

import { element } from "./form.js";

const SAID = { A: "A", B: "B", same: "no preference" };

/** @param test the server's state, over @returns {HTMLElement[]} */
export function resultTable(test) {
  const labels = ["A", "B", "X", "Y"].filter((label) => test.trials.some((trial) => label in trial));
  const outcome = test.right_or_wrong ? "Right?" : "Preferred";
  const heads = ["Trial", ...labels.map((label) => `${label} was`), "You said", outcome];
  const row = (trial) => [
    trial.number,
    ...labels.map((label) => trial[label]),
    test.kind === "abx" ? `X is ${trial.choice}` : SAID[trial.choice],
    test.right_or_wrong ? (trial.right ? "right" : "wrong") : (trial.preferred ?? "neither"),
  ];
  const cells = (values, tag, attributes) => element("tr", {}, values.map((value) => element(tag, attributes, String(value))));
  const table = element(
    "table",
    {},
    element("caption", {}, "Every trial, with the names"),
    element("thead", {}, cells(heads, "th", { scope: "col" })),
    element("tbody", {}, test.trials.map((trial) => cells(row(trial), "td", {}))),
  );
  const level = `Both were played at an active speech level of ${String(test.level_dbov).replace("-", "−")} dBov (ITU-T P.56).`;
  return [
    element("h3", {}, "Result"),
    ...test.words.map((words, i) => element("p", { class: i ? "blind-quiet" : "blind-verdict" }, words)),
    element("p", { class: "blind-quiet" }, level),
    test.trials.length ? element("div", { class: "blind-scroll", tabindex: 0, role: "region", "aria-label": "Every trial" }, table) : null,
  ].filter(Boolean);
}
