// Which keys do what, where there is a keyboard (listener.css hides it elsewhere).

import { element } from "./dom.js";

const SIGNS = { space: ["␣"], arrows: ["←", "→"], enter: ["↵"], slider: ["↑", "↓"], rate: ["1", "–", "5"] };

/** @param {[string, string[]?][]} keys [meaning, signs?] */
export function keyHints(t, keys) {
  const hints = keys.map(([meaning, signs = SIGNS[meaning]]) => {
    const caps = signs.map((sign) => (sign === "–" ? "–" : element("kbd", {}, sign)));
    return element("span", { class: "lt-key" }, caps, ` ${t(`keys.${meaning}`)}`);
  });
  return element("p", { class: "lt-keys", "aria-label": t("trial.keys") }, hints);
}

/** How the keys of these sounds are written: A B X, 1 – 8, R. */
export function soundSigns(labels, reference) {
  const others = labels.filter((label) => label !== reference);
  const signs = others.length > 3 ? [others[0], "–", String(Math.min(9, others.length))] : others;
  return reference && labels.includes(reference) ? [...signs, "R"] : signs;
}
