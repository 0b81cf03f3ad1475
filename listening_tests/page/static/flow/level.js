// The volume: speech in a loop, a slider, and from then on nothing is louder than what was set here.

import { element, freshId, icon, say } from "../parts/dom.js";
import { formScreen } from "./form.js";

const QUIETEST_DB = -30;
const USUAL_DB = -6; // leaves room to make it louder here

const gainOf = (decibels) => 10 ** (decibels / 20);

export function levelScreen(step, { t, player, sounds, storage, answer }) {
  const heard = { ever: false, failed: "", gone: false };
  player.level = 1;
  const slider = element("input", {
    type: "range", id: freshId("volume"), min: QUIETEST_DB, max: 0, step: 1, value: storage.get("volume_db") ?? USUAL_DB,
    oninput: () => player.setVolume(gainOf(Number(slider.value))),
  });
  const play = element("button", { type: "button", class: "lt-button flow-play", disabled: true, onclick: () => player.toggle() });
  const showPlay = () => play.replaceChildren(icon(player.playing ? "pause" : "play"), t(player.playing ? "level.stop" : "level.play"));
  const screen = formScreen(
    {
      name: "level",
      title: t("level.title"),
      button: t("level.continue"),
      ready: () => heard.failed || (heard.ever ? "" : t("level.listen")),
      onSend: async () => {
        player.pause();
        player.note("volume", { decibels: Number(slider.value) });
        await answer({ done: true }, { listened: player.listened(), events: player.events() });
      },
    },
    element("p", { class: "lt-prose" }, t("level.instruction")),
    element("div", { class: "flow-level" }, play,
      element("div", { class: "lt-field" }, element("label", { for: slider.id }, t("level.volume")), slider)),
    element("p", { class: "lt-small" }, t("level.louder")),
  );
  const offs = ["play", "pause", "ended", "load"].map((event) =>
    player.on(event, () => {
      heard.ever ||= player.playing;
      showPlay();
      screen.update();
    }),
  );
  showPlay();
  load();

  async function load() {
    try {
      await player.load(step.stimuli, sounds.fetch);
      if (heard.gone) return; // the player has another screen's sounds now
      player.setLoop(0, player.duration);
      player.setVolume(gainOf(Number(slider.value)));
      play.disabled = false; // before there is a sound, a press would be lost
    } catch {
      heard.failed = t("trial.load_failed");
      screen.update();
    }
  }

  return {
    ...screen,
    destroy() {
      heard.gone = true;
      offs.forEach((off) => off());
      storage.set("volume_db", Number(slider.value));
      player.clear();
      applyVolume(player, storage);
    },
  };
}

/** The volume that was set, for every sound to come, also after coming back. */
export function applyVolume(player, storage) {
  player.level = gainOf(storage.get("volume_db") ?? 0);
  player.setVolume(player.level);
}
