// Screens after which there is no next step: done, sent home, withdrawn, refused, failed.

import { element } from "../parts/dom.js";

export function messageScreen(name, title, ...content) {
  const heading = element("h2", { class: "lt-title", tabindex: -1 }, title);
  return { element: element("section", { class: "lt lt-card flow-card", "data-screen": name }, heading, ...content), heading };
}

const prose = (text) => element("p", { class: "lt-prose" }, text);

/** A button that puts `text` on the clipboard, or where that is not allowed selects it in `field`. */
export function copyButton(t, text, key, field) {
  const button = element("button", { type: "button", class: "lt-button" }, t(`${key}.copy`));
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = t(`${key}.copied`);
    } catch {
      field.focus();
      field.select();
    }
  });
  return button;
}

function completion(t, { code, return_url: url } = {}) {
  const parts = [];
  if (code) {
    const field = element("input", { class: "flow-code", readonly: true, value: code, "aria-label": t("done.code"), spellcheck: "false" });
    parts.push(element("p", { class: "lt-small" }, t("done.code")), element("div", { class: "lt-row" }, field, copyButton(t, code, "done", field)));
  }
  if (url && /^https?:/i.test(url)) {
    parts.push(element("p", {}, element("a", { class: "lt-button lt-primary", href: url, rel: "noreferrer" }, t("done.return"))));
  }
  return parts;
}

/**
 * @param {{done?: true, screened_out?: true, withdrawn?: true, over?: true, reason?: string,
 *          completion?: {code: string, return_url: string}}} end over: the place went to somebody else, or it ended in another tab
 */
export function endScreen(end, { t, onRetry }) {
  if (end.done) return messageScreen("done", t("done.title"), prose(t("done.text")), ...completion(t, end.completion));
  if (end.screened_out) {
    return messageScreen("screened_out", t("screened_out.title"), prose(t("screened_out.text")), ...completion(t, end.completion));
  }
  if (end.over && end.reason === "returned") {
    const again = element("button", { type: "button", class: "lt-button lt-primary", onclick: onRetry }, t("over.again"));
    return messageScreen("over", t("over.title"), prose(t("over.text")), element("p", {}, again));
  }
  if (end.over) return messageScreen("withdrawn", t("withdraw.done_title"), prose(t("done.close")));
  const kept = end.deleted ? "withdraw.done_deleted" : "withdraw.done_kept";
  return messageScreen("withdrawn", t("withdraw.done_title"), prose(t(kept)));
}

/** @param {"closed"|"full"|"invitation"} why */
export function refusedScreen(why, { t }) {
  return messageScreen(`refused-${why}`, t(`refused.${why}_title`), prose(t(`refused.${why}`)));
}

/** Something that cannot go on by itself, with a way to try again. */
export function failedScreen(text, { t, onRetry }) {
  const retry = onRetry && element("button", { type: "button", class: "lt-button lt-primary", onclick: onRetry }, t("page.try_again"));
  return { ...messageScreen("failed", text, retry ?? ""), failed: true };
}
