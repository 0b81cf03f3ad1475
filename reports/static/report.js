"use strict";
document.documentElement.classList.add("scripted");

/* Colours: a figure says whose a trace is, the style sheet says how that looks. */
const styleOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
function withAlpha(colour, alpha) {
  if (alpha >= 1) return colour;
  const hex = colour.length === 4 ? colour.replace(/[0-9a-f]/gi, "$&$&") : colour;
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  return `rgba(${r},${g},${b},${alpha})`;
}
function colourOf(meta) {
  if (meta.role === "systems") return meta.slots.map((slot) => withAlpha(styleOf(`--system-${slot}`), meta.alpha));
  const name = { system: `--system-${meta.slot}`, reference: "--reference", seam: "--ink", rule: "--rule" }[meta.role];
  return withAlpha(styleOf(name), meta.alpha ?? 1);
}
function painted(figure) {
  const { data, layout } = structuredClone(figure);
  for (const trace of data) {
    const colour = colourOf(trace.meta);
    trace.marker = { ...trace.marker, color: colour };
    if (trace.marker.line) trace.marker.line.color = colour;
    if (typeof colour === "string") {
      trace.line = { ...trace.line, color: colour };
      for (const bars of ["error_x", "error_y"]) if (trace[bars]) trace[bars].color = colour;
    }
  }
  for (const shape of layout.shapes ?? []) {
    if (shape.name === "band") shape.fillcolor = styleOf("--band");
    else shape.line.color = { seam: styleOf("--ink"), over: "rgba(255,255,255,.6)", rule: styleOf("--ink") }[shape.name];
    if (shape.name === "seam") shape.opacity = 0.4;
  }
  const font = { family: styleOf("--text"), size: 12, color: styleOf("--ink") };
  Object.assign(layout, { font, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", autosize: true });
  layout.hoverlabel = { ...layout.hoverlabel, bgcolor: styleOf("--page"), bordercolor: styleOf("--rule"), font };
  for (const [key, axis] of Object.entries(layout)) {
    if (!/^[xy]axis\d*$/.test(key)) continue;
    Object.assign(axis, { gridcolor: styleOf("--rule"), zerolinecolor: styleOf("--rule"), linecolor: styleOf("--rule") });
    axis.tickfont = { size: 11, color: axis.type === "category" ? font.color : styleOf("--quiet") };
    axis.title = { ...axis.title, font: { size: 12, color: styleOf("--quiet") } };
  }
  return { data, layout };
}

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

/* Tables are sorted by a click on a heading: up, down, as it was. Values that are not there come last either way. */
function valueOf(cell) {
  if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
  const own = [...cell.childNodes].filter((node) => node.nodeName !== "SMALL").map((node) => node.textContent).join("").trim();
  const plain = own.replace(/\u2212/g, "-").replace(/[\u2009\s](?=\d{3}\b)/g, "");
  const number = /^[+-]?\d[\d.]*(e[+-]?\d+)?(?=$|[\s\u2009%▲▼≈≠])/i.exec(plain);
  return number ? Number(number[0]) : own.toLocaleLowerCase();
}
function compared(a, b) {
  const numbers = [a, b].map((value) => typeof value === "number");
  if (numbers[0] && numbers[1]) return a - b;
  if (numbers[0] !== numbers[1]) return numbers[0] ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
const isAbsent = (cell) => cell.classList.contains("absent") || /^(\u2014|)$/.test(cell.textContent.trim());
function sortable(table) {
  const body = table.tBodies[0], headings = [...table.tHead.rows[0].cells];
  const rows = [...body.rows];
  if (rows.length < 2 || rows.some((row) => row.cells.length !== headings.length)) return;
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...heading.childNodes);
    heading.append(button);
    heading.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const next = { none: "ascending", ascending: "descending", descending: "none" }[heading.getAttribute("aria-sort")];
      headings.forEach((other) => other.setAttribute("aria-sort", other === heading ? next : "none"));
      const sign = next === "descending" ? -1 : 1, keyed = rows.map((row) => row.cells[column]);
      const order = keyed.map((cell, place) => ({ place, absent: isAbsent(cell), value: valueOf(cell) }));
      if (next !== "none") order.sort((a, b) => a.absent - b.absent || sign * compared(a.value, b.value) || a.place - b.place);
      body.append(...order.map(({ place }) => rows[place]));
    });
  });
}
document.querySelectorAll("table.data").forEach(sortable);

/* Every table, and the methods, can be copied as a paper or a program takes it. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("not copied");
  }
}
function copyButton(label, what, text) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: label });
  button.setAttribute("aria-label", `Copy ${what} as ${label}`);
  button.addEventListener("click", async () => {
    const said = button.parentElement.querySelector("output");
    try { await copy(text()); said.textContent = "copied"; } catch { said.textContent = "the browser refused"; }
    setTimeout(() => { said.textContent = ""; }, 2000);
  });
  return button;
}
function copyBar(after, what, formats) {
  const bar = Object.assign(document.createElement("p"), { className: "copies" });
  const said = document.createElement("output");
  said.setAttribute("aria-live", "polite");
  bar.append("copy ", ...formats.map(([label, text]) => copyButton(label, what, text)), said);
  after.after(bar);
}
document.querySelectorAll("[data-exports]").forEach((place) => {
  const texts = JSON.parse(place.textContent), table = document.getElementById(place.dataset.exports);
  const formats = [["CSV", "csv"], ["LaTeX", "tex"], ["Markdown", "md"]].map(([label, kind]) => [label, () => texts[kind]]);
  if (table) copyBar(place, table.getAttribute("aria-label"), formats);
});
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
    this.button.setAttribute("aria-pressed", "true");
    const from = this.group.position >= this.duration - 0.02 ? 0 : this.group.position;
    this.audio.currentTime = from;
    this.audio.play().then(() => requestAnimationFrame(() => this.follow())).catch(() => this.stop());
  }
  stop() {
    this.audio.pause();
    this.button.setAttribute("aria-pressed", "false");
    if (playing === this) { playing = null; this.group.move(this.audio.currentTime); }
  }
  follow() {
    if (playing !== this) return;
    this.group.move(this.audio.currentTime);
    requestAnimationFrame(() => this.follow());
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
