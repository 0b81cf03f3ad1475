// A screen that is a card with a form: one button, sent once, a line that says what is wrong.

import { element, say } from "../parts/dom.js";

/**
 * @param {{title: string, button: string, onSend: () => Promise, ready?: () => string, extra?: Element[]}} options
 *     ready: "" when the form may be sent, else what is missing
 * @returns {{element: Element, update: () => void}}
 */
export function formScreen({ title, button, onSend, ready = () => "", name }, ...content) {
  const status = element("p", { class: "lt-status", role: "status", "aria-live": "polite" });
  const submit = element("button", { type: "submit", class: "lt-button lt-primary" }, button);
  const heading = element("h2", { class: "lt-title", tabindex: -1 }, title);
  let busy = false;
  let asked = false; // nobody is told what is missing before they try to go on
  const update = () => {
    const missing = ready();
    submit.setAttribute("aria-disabled", String(Boolean(missing) || busy)); // keeps the focus, unlike `disabled`
    submit.classList.toggle("lt-off", Boolean(missing) || busy);
    if (asked) say(status, missing);
  };
  const send = async (event) => {
    event.preventDefault();
    asked = true;
    update();
    if (busy || ready()) return;
    busy = true;
    update();
    try {
      await onSend();
    } catch (error) {
      busy = false;
      update();
      say(status, error.message);
    }
  };
  const form = element(
    "form",
    { class: "lt lt-card flow-card", "data-screen": name, onsubmit: send, onchange: update, oninput: update, novalidate: true },
    heading, ...content, element("div", { class: "lt-foot" }, status, submit),
  );
  update();
  return { element: form, heading, update };
}
