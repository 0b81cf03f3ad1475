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

/* Every table, and the methods, can be copied as a paper or a program takes it. */
async function write(text) {
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
/* There is one clipboard: the latest press is written last, and only it is told of. */
let presses = 0, written = Promise.resolve();
function copyButton(label, what, text, say) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: label });
  button.setAttribute("aria-label", `Copy ${what} as ${label}`);
  button.addEventListener("click", async () => {
    const press = (presses += 1), isLatest = () => press === presses;
    say("");
    const own = written.then(() => { if (isLatest()) return write(text()); });
    written = own.catch(() => {});
    const outcome = await own.then(() => `${label} copied`, () => "the browser refused");
    if (isLatest()) say(outcome);
  });
  return button;
}
function copyBar(after, what, formats) {
  const bar = Object.assign(document.createElement("p"), { className: "copies" });
  const said = document.createElement("output");
  said.setAttribute("aria-live", "polite");
  let wiping = 0;
  const say = (words) => {
    clearTimeout(wiping);
    said.textContent = words;
    if (words) wiping = setTimeout(() => say(""), 5000);
  };
  bar.append("copy ", ...formats.map(([label, text]) => copyButton(label, what, text, say)), said);
  after.after(bar);
}
/* A table's copies stand in the script element after it. */
function exported(place) {
  const texts = JSON.parse(place.textContent), table = document.getElementById(place.dataset.exports);
  const formats = [["CSV", "csv"], ["LaTeX", "tex"], ["Markdown", "md"]].map(([label, kind]) => [label, () => texts[kind]]);
  if (table) copyBar(place, table.getAttribute("aria-label"), formats);
}
