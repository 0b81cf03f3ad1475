// What happens on the stage with every event of a live decode; harness/live/events.py says what their fields mean.

import * as api from "./api.js";
import { ms } from "./row.js";
import { decodePcm } from "./wav.js";

const CEILING = "ceiling, not a decoder";
const CEILINGS = ["copy-synthesis", "tokenizer"];
const STAGES = { start: "starting the decoding process: the first time takes some seconds", prepare: "making tokens of the recording", decode: "decoding", score: "scoring: this takes a few seconds" };
const CAPPED = "still quieter than the recording: louder, its peaks would clip";
const PARTS = { dit_s: "acoustic model", vocoder_s: "vocoder", other_s: "the rest" };

/** By kind; what is unknown is passed over. */
export const HANDLERS = {
  queued(stage, { place }) {
    stage.say(place > 0 ? `waiting for others, place ${place} in the queue` : "queued");
  },

  started(stage, { systems }) {
    stage.say("starting");
    stage.row("reference", "the recording");
    for (const system of systems) stage.row(system, CEILINGS.includes(system) ? CEILING : "");
    stage.find(".cmp-skeleton").hidden = true;
  },

  prepared(stage, { seconds, tokens, reference, level_db }) {
    stage.seconds = seconds;
    stage.say(`${seconds.toFixed(2)} s of speech, ${tokens} tokens`);
    const row = stage.row("reference", "the recording");
    row.stream.complete = true;
    row.push(decodePcm(reference), null);
    row.setState("done");
    row.setFact("Level", `${level_db.toFixed(1).replace("-", "−")} LUFS`, "the systems are matched to it");
    stage.scale(row.stream);
  },

  beside(stage, event) {
    stage.beside(event);
  },

  system(stage, { system, control }) {
    stage.say(`decoding ${system}`);
    const row = stage.row(system);
    if (control) row.setKind(CEILING);
    row.setState("decodes");
  },

  chunk(stage, event) {
    const row = stage.row(event.system);
    row.setState("decodes", `decoding, ${((event.start_sample + event.samples) / 16000).toFixed(1)} s`);
    if (event.index === 0) row.first = { ...event, received: performance.now() };
    row.push(decodePcm(event.pcm), event.seam_sample || null);
    stage.player.arrived(row.stream);
  },

  rendered(stage, event) {
    const row = stage.row(event.system);
    if (event.pcm) row.push(decodePcm(event.pcm), null);
    row.stream.complete = true;
    row.stream.gain = 10 ** ((event.gain_db ?? 0) / 20);
    row.setState("done");
    if (stage.player.stream === row.stream) stage.player.level();
    if (event.first_packet_s != null) row.setFact("First packet", ms(event.first_packet_s), parts(event));
    else row.setFact("First packet", "–", "none: it is rendered in one piece");
    stage.find(".cmp-measured").hidden = false;
    if (event.rtf != null) row.setFact("Real-time factor", event.rtf.toFixed(2));
    if (event.gain_db != null) row.setFact("Level", `${event.gain_db >= 0 ? "+" : "−"}${Math.abs(event.gain_db).toFixed(1)} dB`, event.gain_capped ? CAPPED : "to match the reference");
    row.wave.draw();
  },

  failed(stage, { system, error }) {
    const row = stage.row(system);
    row.stream.complete = true;
    row.setState("failed", error);
    stage.say(`${system} failed: ${error}`);
  },

  progress(stage, { stage: now, done, total }) {
    const bar = stage.find("progress");
    if (total) Object.assign(bar, { max: total, value: done });
    if (now !== "decode") stage.say(STAGES[now] ?? now);
  },

  async finished(stage) {
    stage.over("ready: play the systems, or test yourself blind below");
    const { id, looks } = stage.job;
    const side = stage.find(".cmp-side");
    side.setAttribute("aria-busy", "true");
    const drawn = await api.sideBySide(id).catch((error) => error);
    if (stage.job?.id !== id) return;
    side.removeAttribute("aria-busy");
    if (drawn instanceof Error) side.textContent = drawn.message;
    else side.innerHTML = drawn;
    const detail = { job: id, systems: [...stage.rows.keys()], looks };
    stage.root.dispatchEvent(new CustomEvent("compare-finished", { bubbles: true, detail }));
  },

  cancelled(stage) {
    for (const row of stage.rows.values()) if (["waits", "decodes"].includes(row.state)) stage.end(row, "cancelled");
    stage.over("cancelled");
  },

  broken(stage, { error }) {
    for (const row of stage.rows.values()) if (["waits", "decodes"].includes(row.state)) stage.end(row, "failed");
    stage.fail(error);
  },
};

/** What a first-packet latency is made of, and what must be waited for before it. */
function parts({ first_packet_parts: made, algorithmic_latency_s: least, pauseless_latency_s: on }) {
  const worked = Object.keys(PARTS).filter((part) => made?.[part] >= 0.0005).map((part) => `${ms(made[part])} ${PARTS[part]}`);
  const waits = least == null ? "the whole utterance must have arrived first" : `${ms(least)} of speech must have arrived first`;
  const pauseless = on == null ? "" : `${ms(on)} to play without a pause`;
  return [worked.join(" + "), waits, pauseless].filter(Boolean).join("; ");
}
