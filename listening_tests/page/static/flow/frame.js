// Around every screen: the study's title, how far it is, what remains, and whether all is saved.

import { element, icon, say } from "../parts/dom.js";
import { remainingText } from "./texts.js";

export class Frame {
  constructor(root) {
    this.bar = element("span", { style: "width:0%" });
    this.meter = element("div", { class: "lt-meter flow-meter", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 }, this.bar);
    this.title = element("h1", { class: "flow-title" });
    this.steps = element("span", { class: "flow-steps" });
    this.remaining = element("span", { class: "flow-remaining" });
    this.saved = element("span", { class: "flow-saved", role: "status", "aria-live": "polite" });
    this.banner = element("p", { class: "lt-banner flow-banner", role: "alert", hidden: true });
    this.progress = element("div", { class: "flow-progress", hidden: true }, this.meter,
      element("div", { class: "flow-facts" }, this.steps, this.saved, this.remaining));
    this.content = element("main", { class: "flow-content" });
    this.links = element("nav", { class: "flow-links", hidden: true });
    this.root = element("div", { class: "lt lt-page flow" }, element("header", { class: "flow-head" }, this.title, this.progress), this.banner, this.content, this.links);
    root.replaceChildren(this.root);
  }

  /** Draw a screen in place of the one before, which is told to let go. */
  show(screen) {
    this.screen?.destroy?.();
    this.screen = screen;
    this.title.hidden = Boolean(screen.titled);
    this.content.replaceChildren(screen.element);
    scrollTo(0, 0);
    screen.heading?.focus({ preventScroll: true });
  }

  /** Make room for a view that draws itself. */
  room(screen) {
    this.screen?.destroy?.();
    this.screen = screen;
    this.title.hidden = false;
    scrollTo(0, 0);
    const place = element("div", { class: "flow-trial" });
    this.content.replaceChildren(place);
    return place;
  }

  setTitle(text) {
    say(this.title, text);
    document.title = text;
  }

  /** @param {{position: number, of: number, remaining_s: number}} step position: screens behind the listener */
  setProgress(t, { position, of, remaining_s: seconds }) {
    this.progress.hidden = false;
    const percent = of ? Math.round((100 * position) / of) : 0;
    this.bar.style.width = `${percent}%`;
    const text = t("progress.steps", { done: position, of });
    this.meter.setAttribute("aria-valuenow", percent);
    this.meter.setAttribute("aria-valuetext", text);
    this.meter.setAttribute("aria-label", t("progress.label"));
    say(this.steps, text);
    say(this.remaining, remainingText(t, seconds));
  }

  hideProgress() {
    this.progress.hidden = true;
    this.links.hidden = true;
  }

  setLinks(...links) {
    this.links.hidden = false;
    this.links.replaceChildren(...links.map(([text, onclick, name]) =>
      element("button", { type: "button", class: "lt-button lt-quiet", "data-link": name, onclick }, text)));
  }

  /** @param {"saving"|"saved"|"offline"|"unreachable"|"waiting"|"back"|""} state of the transport */
  setState(t, state) {
    if (["offline", "unreachable", "waiting"].includes(state)) return this.#say(t(`progress.${state}`), "lt-warn");
    if (state === "saving") this.saved.replaceChildren(t("progress.saving"));
    if (state === "saved") this.saved.replaceChildren(icon("check"), t("progress.saved"));
    if (state === "") this.saved.replaceChildren();
    if (state !== "saving") this.#recovered(t, state);
  }

  #recovered(t, state) {
    if (this.banner.hidden) return;
    if (state === "") return (this.banner.hidden = true);
    this.#say(t("progress.back"), "lt-good");
    this.timer = setTimeout(() => (this.banner.hidden = true), 4000);
  }

  #say(text, kind) {
    clearTimeout(this.timer);
    this.banner.hidden = false;
    this.banner.classList.toggle("lt-warn", kind === "lt-warn");
    this.banner.classList.toggle("lt-good", kind === "lt-good");
    say(this.banner, text);
  }
}
