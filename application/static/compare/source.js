// One's own recording: a file or the microphone, sent to the server, there for this browser alone until it is deleted.

import * as api from "./api.js";
import { canRecord, Recorder } from "./recorder.js";

const drop = (id) => api.forget(id).catch(() => {}); // it is dropped by itself where this fails

export class Source {
  /**
   * @param {HTMLElement} root with the markup of application/pages/compare/markup.py
   * @param {{maxBytes: number, maxSeconds: number, onChange: (value: {id, name, seconds}|null) => void}} options
   */
  constructor(root, { maxBytes, maxSeconds, onChange }) {
    Object.assign(this, { root, maxBytes, maxSeconds, onChange, value: null, recorder: null });
    this.file = root.querySelector("input[type=file]");
    this.record = root.querySelector(".cmp-record");
    this.delete = root.querySelector(".cmp-delete");
    this.said = root.querySelector(".cmp-source-said");
    root.querySelector(".cmp-choose").addEventListener("click", () => this.file.click());
    this.file.addEventListener("change", () => this.file.files[0] && this.send(this.file.files[0], this.file.files[0].name));
    this.record.addEventListener("click", () => (this.recorder ? this.#stop() : this.#start()));
    this.delete.addEventListener("click", () => this.forget());
    if (!canRecord()) {
      this.record.disabled = true;
      this.record.title = "Browsers give the microphone only to pages on https or on this machine";
    }
  }

  #say(text, bad = false) {
    this.said.textContent = text;
    this.said.classList.toggle("cmp-bad", bad);
  }

  async #start() {
    this.recorder = new Recorder(
      this.maxSeconds,
      (seconds, peak) => this.#say(`recording ${seconds.toFixed(1)} s of at most ${this.maxSeconds} s${peak > 0.98 ? ", too loud" : ""}`),
      () => this.#stop(),
    );
    try {
      this.record.disabled = true; // while the browser asks whether it may
      await this.recorder.start();
      this.record.textContent = "Stop recording";
      this.record.setAttribute("aria-pressed", "true");
    } catch (error) {
      this.recorder = null;
      this.#say(error.message, true);
    }
    this.record.disabled = false;
  }

  async #stop() {
    const { recorder } = this;
    if (!recorder) return;
    this.recorder = null;
    this.record.textContent = "Record";
    this.record.setAttribute("aria-pressed", "false");
    await this.send(await recorder.stop(), "recording.wav");
  }

  /** Check what can be checked here, send it, and make it what is decoded. */
  async send(blob, name) {
    if (blob.size > this.maxBytes) {
      this.#say(`${name} has ${(blob.size / 1e6).toFixed(1)} MB; at most ${this.maxBytes / 1e6} MB`, true);
      return;
    }
    this.root.setAttribute("aria-busy", "true");
    this.#say(`sending ${name}`);
    const ticket = (this.ticket = Symbol("sending"));
    let made = null;
    try {
      made = await api.upload(blob, name);
    } catch (error) {
      if (this.ticket === ticket) this.#say(error.message, true);
    }
    if (this.ticket !== ticket) {
      if (made) drop(made.id); // another one was chosen while this was on its way
      return;
    }
    if (made) {
      if (this.value) drop(this.value.id);
      this.show({ ...made, name });
      this.onChange(this.value);
    }
    this.root.removeAttribute("aria-busy");
    this.file.value = "";
  }

  /** @param {{id, name, seconds}|null} value what is decoded instead of the utterance */
  show(value) {
    this.value = value;
    this.delete.hidden = !value;
    this.#say(value ? `${value.name}, ${value.seconds.toFixed(2)} s, is decoded instead of the utterance` : "");
  }

  /** After a refresh: ask what the link's upload is, as only this browser may. */
  async restore(id) {
    if (!id || this.value?.id === id) return;
    const { ticket } = this;
    try {
      const found = await api.describeUpload(id);
      if (this.ticket === ticket) this.show({ id, name: "your recording", ...found });
    } catch (error) {
      if (this.ticket === ticket) this.#say(error.message, true);
    }
  }

  async forget() {
    const { value } = this;
    if (!value) return;
    try {
      await api.forget(value.id);
    } catch (error) {
      if (error.status !== 404) {
        this.#say(error.message, true);
        return;
      }
    }
    if (this.value !== value) return; // another one has come in its place meanwhile
    this.show(null);
    this.#say("deleted");
    this.onChange(null);
  }
}
