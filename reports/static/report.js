document.documentElement.classList.add("scripted");

/* Plots are drawn when they come near the screen, and again when the colour scheme changes. */
const config = { responsive: true, displayModeBar: false, displaylogo: false, showTips: false, doubleClick: "reset" };
const parsed = new Map();
function contentOf(place) {
  const id = place.dataset.plot;
  if (!parsed.has(id)) parsed.set(id, JSON.parse(document.getElementById(id).textContent));
  return place.dataset.key ? parsed.get(id)[place.dataset.key] : parsed.get(id);
}
function draw(place) {
  const { data, layout } = painted(contentOf(place));
  if (place.closest(".closeup") && matchMedia("(hover: hover)").matches) layout.dragmode = "zoom";
  Plotly.react(place, data, layout, config);
  place.dataset.drawn = "";
}
const near = new IntersectionObserver(
  (entries) => entries.forEach((entry) => {
    if (entry.isIntersecting) { near.unobserve(entry.target); draw(entry.target); }
  }),
  { rootMargin: "600px" },
);
document.querySelectorAll("[data-plot]").forEach((place) => near.observe(place));
const drawAgain = () => document.querySelectorAll("[data-drawn]").forEach(draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAgain);
/* On paper every plot is drawn, as wide as the paper: the page takes that width before they are. */
addEventListener("beforeprint", () => {
  document.documentElement.classList.add("printing");
  document.querySelectorAll("[data-plot]").forEach((place) => { if (!place.closest("[hidden]")) draw(place); });
});
addEventListener("afterprint", () => { document.documentElement.classList.remove("printing"); drawAgain(); });

document.querySelectorAll("[data-picks]").forEach((select) => select.addEventListener("change", () => {
  const place = document.querySelector(`[data-plot="${select.dataset.picks}"]`);
  place.dataset.key = select.value;
  draw(place);
}));
document.querySelectorAll("[data-shows]").forEach((select) => {
  const parts = () => [...document.querySelectorAll(`[data-${select.dataset.shows}]`)];
  const show = () => parts().forEach((part) => { part.hidden = part.dataset[select.dataset.shows] !== select.value; });
  select.addEventListener("change", () => {
    show();
    parts().filter((part) => !part.hidden).forEach((part) => part.querySelectorAll("[data-plot]").forEach(draw));
  });
  show(); /* a browser may have kept the choice over a reload */
});

document.querySelectorAll("table.data").forEach(sortable);
document.querySelectorAll("[data-exports]").forEach(exported);
document.querySelectorAll("[data-copies]").forEach((part) => {
  const paragraphs = () => [...part.querySelectorAll("p")].map((p) => p.textContent.trim());
  const references = () => [...part.querySelectorAll("li")].map((li, place) => `[${place + 1}] ${li.textContent.trim()}`);
  copyBar(part, part.dataset.copies, [["text", () => [...paragraphs(), references().join("\n")].join("\n\n")]]);
});

/* Players. All systems of an utterance share one position; only one thing sounds at a time. */
const loop = document.getElementById("loop");
let playing = null;
class Player {
  constructor(row, group) {
    Object.assign(this, { row, group });
    this.button = row.querySelector(".play");
    this.wave = row.querySelector(".wave");
    this.head = row.querySelector(".head");
    this.audio = row.querySelector("audio");
    this.audio.controls = false;
    this.duration = Number(row.dataset.duration);
    this.button.addEventListener("click", () => this.toggle());
    this.wave.addEventListener("pointerdown", (event) => this.pick(event));
    this.wave.addEventListener("pointermove", (event) => { if (event.buttons & 1) this.pick(event); });
    this.wave.addEventListener("keydown", (event) => this.step(event));
    this.audio.addEventListener("ended", () => {
      if (playing !== this || !this.audio.ended) return; /* another one was begun, or this again, before it was told */
      if (loop?.checked) { this.group.move(0); this.start(); } else { this.stop(); this.group.move(0); }
    });
    this.audio.addEventListener("error", () => { if (playing === this) this.stop(); this.button.disabled = true; });
  }
  toggle() { if (playing === this) this.stop(); else this.start(); }
  start() {
    if (playing && playing !== this) {
      if (playing.group === this.group) this.group.position = playing.audio.currentTime;
      playing.stop();
    }
    playing = this;
    const pass = (this.pass = Symbol("pass"));
    this.button.setAttribute("aria-pressed", "true");
    const from = this.group.position >= this.duration - 0.02 ? 0 : this.group.position;
    this.audio.currentTime = from;
    const isWanted = () => playing === this && this.pass === pass; /* a device takes its time; stopped and begun again? */
    const follow = () => { if (isWanted()) { this.group.move(this.audio.currentTime); requestAnimationFrame(follow); } };
    this.audio.play().then(() => requestAnimationFrame(follow), () => { if (isWanted()) this.stop(); });
  }
  stop() {
    this.audio.pause();
    this.button.setAttribute("aria-pressed", "false");
    if (playing === this) { playing = null; this.group.move(this.audio.currentTime); }
  }
  seek(to) {
    this.group.move(Math.max(0, Math.min(to, this.duration)));
    if (playing && playing.group === this.group) playing.audio.currentTime = this.group.position;
  }
  pick(event) {
    const box = this.wave.getBoundingClientRect();
    this.seek(((event.clientX - box.left) / box.width) * this.duration);
  }
  step(event) {
    const by = { ArrowLeft: -0.1, ArrowDown: -0.1, ArrowRight: 0.1, ArrowUp: 0.1, PageDown: -1, PageUp: 1 }[event.key];
    const to = { Home: 0, End: this.duration }[event.key] ?? (by === undefined ? undefined : this.group.position + by);
    if (to === undefined) return;
    event.preventDefault();
    this.seek(to);
  }
  show(position) {
    const at = Math.min(position, this.duration);
    this.head.style.left = `${(100 * at) / this.duration}%`;
    this.wave.setAttribute("aria-valuenow", at.toFixed(2));
    this.wave.setAttribute("aria-valuetext", `${at.toFixed(2)} s`);
  }
}
class Group {
  constructor(section) {
    this.section = section;
    this.position = 0;
    this.rows = [...section.querySelectorAll(".player")];
    this.players = this.rows.map((row) => (row.dataset.duration ? new Player(row, this) : null));
    this.last = this.players.find(Boolean);
    section.addEventListener("keydown", (event) => this.key(event));
  }
  move(position) {
    this.position = position;
    this.section.classList.toggle("started", position > 0);
    for (const player of this.players) if (player) player.show(position);
  }
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.last) return;
    if (/^[1-9]$/.test(event.key)) {
      const player = this.players[Number(event.key) - 1];
      if (player) { event.preventDefault(); player.button.focus(); if (playing !== player) player.start(); this.last = player; }
    } else if (event.key === " " && !/^(BUTTON|SUMMARY|INPUT|SELECT)$/.test(event.target.tagName)) {
      event.preventDefault();
      (playing && playing.group === this ? playing : this.last).toggle();
    }
  }
}
document.querySelectorAll(".utterance").forEach((section) => new Group(section));

/* The contents say where the reader is; on a narrow page they start closed. */
const links = new Map([...document.querySelectorAll(".contents a")].map((a) => [a.getAttribute("href").slice(1), a]));
const reading = new IntersectionObserver(
  (entries) => entries.forEach((entry) => {
    if (!entry.isIntersecting) return;
    links.forEach((link) => link.removeAttribute("aria-current"));
    links.get(entry.target.id)?.setAttribute("aria-current", "location");
  }),
  { rootMargin: "0px 0px -75% 0px" },
);
links.forEach((_, id) => { const part = document.getElementById(id); if (part) reading.observe(part); });
const narrow = matchMedia("(max-width: 1099px)");
const fold = () => { document.querySelector(".contents details").open = !narrow.matches; };
narrow.addEventListener("change", fold);
fold();
