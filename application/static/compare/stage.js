// The stage: decodes a view, shows every system as it streams, plays one at a time.

import * as api from "./api.js";
import { HANDLERS } from "./events.js";
import { Player } from "./player.js";
import { ms, Row } from "./row.js";
import { copyLink, listenForKeys } from "./tools.js";

const CANCEL = ".cmp-cancel";
const STORE = "compare-job"; // of this tab: a refresh goes on with what was decoded

export class Stage {
  /** @param {HTMLElement} root that holds the markup of application/pages/compare/markup.py */
  constructor(root) {
    this.root = root;
    this.view = null; // {query, looks, note}, as the form stands
    this.job = null; // {id, query, looks}
    this.rows = new Map();
    this.player = new Player({
      change: () => this.#showPlaying(),
      tick: () => this.#tick(),
      underrun: ({ seconds }) => this.#underrun(seconds),
      sounding: (facts) => this.#sounding(facts),
    });
    this.#listen();
    this.#mountBlind();
    this.show({ busy: false });
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  #listen() {
    document.addEventListener("click", (event) => {
      if (this.root.isConnected && event.target.closest?.(CANCEL)) this.cancel(); // it stands beside Decode, above the stage
    });
    this.find(".cmp-matched").addEventListener("change", (event) => this.player.setMatched(event.target.checked));
    this.find(".cmp-copy").addEventListener("click", (event) => copyLink(event.currentTarget, this.find(".cmp-link")));
    listenForKeys(this);
    addEventListener("pagehide", () => this.player.stop());
    document.addEventListener("blind-playing", () => this.player.stop());
  }

  /** The blind test on the spot hears of this stage by its events, and plays nothing while this one does. */
  async #mountBlind() {
    const { Panel } = await import("../blind/panel.js");
    this.blind = new Panel(this.find(".cmp-blind"));
  }

  /** The form changed, or was filled in from the link. */
  setView(view) {
    this.view = view;
    if (view.query) {
      history.replaceState(history.state, "", `${location.pathname}?${view.query}`);
      this.find(".cmp-error").hidden = true; // it was about a form that is another one now
    }
    const whole = this.find(".cmp-corpus");
    whole.href = new URL(`../../../app/runs?new=1&${view.query ?? ""}`, import.meta.url).href;
    this.#outdated();
  }

  #outdated() {
    const old = this.job && this.view?.query && this.job.query !== this.view.query;
    this.root.classList.toggle("cmp-outdated", Boolean(old));
    this.find(".cmp-old").hidden = !old;
  }

  /** Decode pressed: show that at once, before the server knows of it. */
  pressed() {
    if (this.busy && this.job) api.cancel(this.job.id).catch(() => {}); // it ends by itself where this fails
    this.#clear();
    this.cancelling = false;
    this.show({ busy: true });
    this.say("starting");
    this.find(".cmp-skeleton").hidden = false;
  }

  /** Decode the view as the form gave it. */
  async decode(view) {
    this.setView(view);
    const ticket = (this.ticket = Symbol("decode"));
    if (this.job) this.pressed(); // a second press came before the server had answered the first
    if (view.error) {
      this.fail(view.error);
      return;
    }
    try {
      const id = await api.submit(view.query);
      if (this.ticket !== ticket) {
        await api.cancel(id);
        return;
      }
      if (this.cancelling) await api.cancel(id);
      this.#remember({ id, query: view.query, looks: view.looks });
      await this.#follow();
    } catch (error) {
      if (this.ticket === ticket) this.fail(error.message); // a later press has the stage now
    }
  }

  /** After a refresh: go on with what this tab decoded last, if the link still shows it. */
  async resume() {
    const kept = JSON.parse(sessionStorage.getItem(STORE) ?? "null");
    if (!kept || this.job || kept.query !== this.view?.query) return;
    this.#clear();
    this.show({ busy: true });
    this.job = kept;
    try {
      await this.#follow();
    } catch (error) {
      if (this.job !== kept) return; // another one was asked for meanwhile
      sessionStorage.removeItem(STORE); // it is gone: the page is as new
      this.#clear();
      this.show({ busy: false });
      if (error.status !== 404) this.fail(error.message);
    }
  }

  #remember(job) {
    this.job = job;
    sessionStorage.setItem(STORE, JSON.stringify(job));
    this.#outdated();
  }

  async #follow() {
    const { id } = this.job;
    this.following = new AbortController();
    const options = { signal: this.following.signal, onLost: () => this.say("connection lost, trying again") };
    for await (const event of api.follow(id, options)) {
      if (this.job?.id !== id) return;
      HANDLERS[event.kind]?.(this, event);
    }
  }

  /** One amplitude and one time axis for all rows: the recording's. */
  scale({ chunks: [{ samples }] }) {
    const full = 1.2 * samples.reduce((peak, value) => Math.max(peak, Math.abs(value)), 0.01);
    for (const { wave } of this.rows.values()) {
      Object.assign(wave, { full, seconds: this.seconds });
      wave.draw();
    }
  }

  end(row, state) {
    row.stream.complete = true;
    row.setState(state);
  }

  over(words) {
    this.show({ busy: false });
    this.say(words);
    if (this.player.starved && this.player.stream.complete) this.player.stop();
  }

  fail(message) {
    this.show({ busy: false });
    this.find(".cmp-skeleton").hidden = true;
    const alert = this.find(".cmp-error");
    [alert.textContent, alert.hidden] = [message, false];
    this.say("");
  }

  async cancel() {
    this.cancelling = true;
    this.say("stopping");
    const { job } = this;
    if (!job) return; // decode() does it as soon as there is something to cancel
    await api.cancel(job.id).catch((error) => this.job === job && this.fail(error.message));
  }

  row(name, kind = "") {
    if (this.rows.has(name)) return this.rows.get(name);
    const look = this.job.looks?.[name] ?? {};
    const decoders = [...this.rows.keys()].filter((one) => one !== "reference").length;
    const key = name === "reference" ? 0 : decoders < 9 ? decoders + 1 : null;
    const row = new Row({ name, kind, key, ...look, onPlay: () => this.toggle(name), onSeek: (s) => this.play(name, s) });
    row.wave.seconds = this.seconds ?? 0;
    this.rows.set(name, row);
    this.find(".cmp-rows").append(row.root);
    return row;
  }

  toggle(name) {
    const row = this.rows.get(name);
    if (this.player.stream === row.stream) this.player.stop();
    else this.play(name);
  }

  play(name, from = 0) {
    const row = this.rows.get(name);
    if (!row?.playable) return;
    this.last = name;
    row.setFact("Under-runs", null);
    row.live = !row.stream.complete && row.stream.length === 0;
    this.root.dispatchEvent(new CustomEvent("compare-playing", { bubbles: true }));
    return this.player.play(row.stream, from);
  }

  #showPlaying() {
    const { stream } = this.player;
    for (const row of this.rows.values()) row.setPlaying(row.stream === stream, row.stream === stream && !stream.length);
  }

  current() {
    return [...this.rows.values()].find((row) => row.stream === this.player.stream);
  }

  #tick() {
    const row = this.current();
    if (!row) return;
    row.setPlaying(true, this.player.starved);
    row.wave.draw(this.player.position);
    row.root.dataset.played = String(this.player.played);
  }

  #underrun(seconds) {
    const row = this.current();
    const { underruns, lost } = this.player;
    row?.setFact("Under-runs", String(underruns), `${ms(lost)} of silence: audio came later than it was needed`);
    this.say(`under-run of ${ms(seconds)}`);
  }

  #sounding({ at, pressed, stream }) {
    const row = [...this.rows.values()].find((one) => one.stream === stream);
    if (!row) return;
    if (row.live && row.first) {
      const server = Math.max(0, row.first.wall_s - this.#lastNeeded(row.first));
      row.setFact("As heard", ms(server + (at - row.first.received) / 1000), "from its last needed token to sound out of the device; the way from the server to here is not in it");
    } else row.setFact("As heard", ms((at - pressed) / 1000), "from the press to sound out of the device");
    if (!row.facts.has("Under-runs")) row.setFact("Under-runs", "0");
  }

  /** Seconds into the stream at which the last token came that the first packet needs. */
  #lastNeeded({ tokens_in, tokens_per_second }) {
    const rate = Number(new URLSearchParams(this.job.query).get("rate") ?? tokens_per_second);
    return rate ? tokens_in / rate : 0;
  }

  #clear() {
    this.following?.abort();
    this.player.stop();
    this.rows.clear();
    this.job = null;
    this.find(".cmp-rows").replaceChildren();
    this.find(".cmp-side").replaceChildren();
    this.find(".cmp-error").hidden = true;
    this.find("progress").removeAttribute("value");
    this.find(".cmp-measured").hidden = true;
    this.beside(null);
    this.root.dispatchEvent(new CustomEvent("compare-cleared", { bubbles: true }));
    this.#outdated();
  }

  show({ busy }) {
    this.busy = busy;
    this.root.setAttribute("aria-busy", String(busy));
    for (const button of document.querySelectorAll(CANCEL)) button.disabled = !busy;
    this.find("progress").hidden = !busy;
    if (!busy) this.find(".cmp-skeleton").hidden = true;
    this.find(".cmp-empty").hidden = busy || this.job !== null;
  }

  /** @param {?{jobs: number, decodes: number}} event what else the machine did while it measured; the most there was stays */
  beside(event) {
    this.company = event ? { jobs: Math.max(event.jobs, this.company.jobs), decodes: Math.max(event.decodes, this.company.decodes) } : { jobs: 0, decodes: 0 };
    const { jobs, decodes } = this.company;
    const told = [jobs && `${jobs} background job${jobs > 1 ? "s" : ""}`, decodes && `${decodes} other live decode${decodes > 1 ? "s" : ""}`];
    const others = told.filter(Boolean).join(" and ");
    this.find(".cmp-beside").textContent = others && `Meanwhile this machine also worked on ${others}: the times count that too.`;
  }

  say(words) {
    const line = this.find(".cmp-said");
    if (line.textContent !== words) line.textContent = words;
  }
}
