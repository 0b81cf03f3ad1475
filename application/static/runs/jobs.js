// What runs in the background: a row a job, kept in place while it changes, so that focus and reading position stay.
// Everything of a job is set as text, never as HTML.
const FAST_MS = 1000, SLOW_MS = 5000;
const WORDS = { queued: "waits", running: "runs", done: "finished", failed: "failed", cancelled: "cancelled",
  lost: "ended, nobody saw how" };
const TONES = { queued: "plain", running: "plain", done: "good", failed: "bad", cancelled: "warn", lost: "bad" };
const SERVER = new URL("../../..", import.meta.url); // above /app-static/HASH/runs/

export function mount(root, { over = true } = {}) {
  if (root.dataset.mounted) return;
  root.dataset.mounted = "yes";
  const list = make("ul", "jobs-list"), said = make("p", "rn-unseen");
  said.setAttribute("role", "status");
  const title = make("h2", "", over ? "Background jobs" : "Running now");
  root.append(title, list, said);
  new Panel(root, list, said, over).start();
}

class Panel {
  constructor(root, list, said, over) {
    Object.assign(this, { root, list, said, over, rows: new Map(), states: new Map(), timer: 0 });
  }

  start() {
    document.addEventListener("jobs-changed", () => this.look());
    document.addEventListener("visibilitychange", () => document.hidden || this.look());
    this.look();
  }

  async look() {
    clearTimeout(this.timer);
    if (!this.root.isConnected) return;
    const number = (this.looks = (this.looks ?? 0) + 1);
    const outdated = () => number !== this.looks; // a later look is on its way, and plans the next
    let wait = SLOW_MS;
    try {
      const answer = await fetch(new URL("../jobs", SERVER), { headers: { accept: "application/json" } });
      if (!answer.ok) throw new Error(answer.status === 401 ? "logged out; log in again" : `answered ${answer.status}`);
      const { active, over } = await answer.json();
      if (outdated()) return;
      this.draw([...active, ...(this.over ? over : over.filter((job) => this.states.has(job.id)))]);
      if (active.length) wait = FAST_MS;
    } catch (error) {
      if (outdated()) return;
      this.tell(`The server cannot be reached (${error.message}); trying again.`);
    }
    if (!document.hidden) this.timer = setTimeout(() => this.look(), wait);
  }

  draw(jobs) {
    this.root.hidden = jobs.length === 0;
    const there = new Set(jobs.map((job) => job.id));
    for (const [id, row] of this.rows) if (!there.has(id)) { row.element.remove(); this.rows.delete(id); }
    jobs.forEach((job, place) => {
      if (!this.rows.has(job.id)) this.rows.set(job.id, new Row(job.id, () => this.look()));
      const row = this.rows.get(job.id);
      if (this.list.children[place] !== row.element) this.list.insertBefore(row.element, this.list.children[place] ?? null);
      row.show(job);
      const before = this.states.get(job.id);
      if (before && before !== job.state) this.tell(`${job.title}: ${WORDS[job.state]}`);
      this.states.set(job.id, job.state);
    });
  }

  tell(text) {
    if (this.said.textContent !== text) this.said.textContent = text;
  }
}

class Row {
  constructor(id, look) {
    this.id = id;
    this.element = make("li", "jobs-row");
    this.element.dataset.job = id;
    const head = make("div", "jobs-head");
    this.title = make("strong", "jobs-title");
    this.state = make("span", "rn-badge");
    this.open = make("a", "rn-button", "Open");
    this.cancel = make("button", "rn-button", "Cancel");
    this.cancel.type = "button";
    this.cancel.addEventListener("click", () => this.stop(look));
    head.append(this.title, this.state, this.open, this.cancel);
    this.bar = make("progress", "jobs-bar");
    this.text = make("p", "jobs-text");
    this.line = make("p", "jobs-line");
    this.log = make("details", "jobs-log");
    this.out = make("pre", "");
    this.out.tabIndex = 0;
    this.log.append(make("summary", "", "What it says"), this.out);
    this.log.addEventListener("toggle", () => this.read());
    this.element.append(head, this.bar, this.text, this.line, this.log);
  }

  show(job) {
    const active = job.state === "queued" || job.state === "running";
    const ended = this.element.dataset.state !== job.state && !active;
    this.element.dataset.state = job.state;
    set(this.title, job.title);
    set(this.state, WORDS[job.state] ?? job.state);
    this.state.className = `rn-badge rn-${TONES[job.state] ?? "plain"}`;
    this.open.hidden = !job.href;
    if (job.href) this.open.href = job.href;
    this.open.setAttribute("aria-label", `Open what ${job.title} made`);
    this.cancel.hidden = !active;
    this.cancel.setAttribute("aria-label", `Cancel ${job.title}`);
    this.bar.hidden = job.state !== "running";
    this.bar.setAttribute("aria-label", `how far ${job.title} is`);
    if (job.total > 0) { this.bar.max = job.total; this.bar.value = job.done; } else this.bar.removeAttribute("value");
    set(this.text, job.state === "running" ? progressOf(job) : job.elapsed_s ? `took ${duration(job.elapsed_s)}` : "");
    set(this.line, job.state === "failed" || job.state === "lost" ? job.line || "It said nothing." : "");
    if (this.log.open && (active || ended)) this.read();
  }

  async stop(look) {
    this.cancel.disabled = true;
    try {
      await fetch(new URL(`../jobs/${this.id}/cancel`, SERVER), { method: "POST" });
    } catch {
      // the look below says that the server cannot be reached
    } finally {
      this.cancel.disabled = false;
      look();
    }
  }

  async read() {
    if (!this.log.open) return;
    if (this.reading) {
      this.again = true; // what is on its way may be from before
      return;
    }
    this.reading = true;
    const answer = await fetch(new URL(`../jobs/${this.id}/log`, SERVER)).catch(() => null);
    const text = answer?.ok ? await answer.text().catch(() => null) : null;
    if (text !== null) set(this.out, text || "nothing yet");
    this.reading = false;
    if (!this.again) return;
    this.again = false;
    this.read();
  }
}

function progressOf(job) {
  if (!job.stage) return `is starting, since ${duration(job.elapsed_s ?? 0)}`;
  const share = job.total > 0 ? ` ${round(job.done)} of ${round(job.total)}` : "";
  const left = job.remaining_s === null ? "" : `, about ${duration(job.remaining_s)} left of this step`;
  return `${job.stage}${share}${job.detail ? ` (${job.detail})` : ""}${left}; runs for ${duration(job.elapsed_s ?? 0)}`;
}

function duration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function round(number) {
  return Math.round(number * 10) / 10;
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function make(name, kind, text = "") {
  const element = document.createElement(name);
  if (kind) element.className = kind;
  element.textContent = text;
  return element;
}
