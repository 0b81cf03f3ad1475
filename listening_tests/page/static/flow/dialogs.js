// Leaving the study for good, and going on with another device.

import { element, freshId } from "../parts/dom.js";
import { copyButton } from "./ending.js";

function openDialog(name, title, ...content) {
  const id = freshId("dialog");
  const dialog = element("dialog", { class: "lt lt-card flow-dialog", "data-dialog": name, "aria-labelledby": id },
    element("h2", { class: "lt-title", id }, title), ...content);
  dialog.addEventListener("close", () => dialog.remove());
  return dialog;
}

function show(host, dialog) {
  host.append(dialog);
  dialog.showModal();
}

export function withdrawDialog(host, { t, onConfirm }) {
  const remove = element("input", { type: "checkbox" });
  const status = element("p", { class: "lt-status", role: "status" });
  const confirm = element("button", { type: "button", class: "lt-button" }, t("withdraw.confirm"));
  const dialog = openDialog("withdraw", t("withdraw.title"),
    element("p", { class: "lt-prose" }, t("withdraw.text")),
    element("label", { class: "lt-choice" }, remove, element("span", {}, t("withdraw.delete"))), status,
    element("div", { class: "lt-row" },
      element("button", { type: "button", class: "lt-button lt-primary", autofocus: true, onclick: () => dialog.close() }, t("withdraw.cancel")), confirm));
  confirm.addEventListener("click", async () => {
    confirm.disabled = true;
    try {
      await onConfirm(remove.checked);
      dialog.close();
    } catch (error) {
      status.textContent = error.message;
      confirm.disabled = false;
    }
  });
  show(host, dialog);
}

export function elsewhereDialog(host, { t, link }) {
  const field = element("input", { class: "flow-code flow-link", readonly: true, value: link, "aria-label": t("elsewhere.open"), spellcheck: "false" });
  const dialog = openDialog("elsewhere", t("elsewhere.open"),
    element("p", { class: "lt-prose" }, t("elsewhere.text")), field,
    element("div", { class: "lt-row" }, copyButton(t, link, "elsewhere", field),
      element("button", { type: "button", class: "lt-button lt-primary", autofocus: true, onclick: () => dialog.close() }, t("elsewhere.close"))));
  show(host, dialog);
}
