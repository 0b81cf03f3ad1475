// The preview of a study: the listener's own page, with a bar to go from one sort of screen to another.

const here = new URL("./", document.baseURI); // /preview/NAME/
const token = here.pathname.split("/").filter(Boolean).at(-1);
const stored = `listening.${token}`; // what the listener's page keeps in this browser
const bar = document.querySelector("#places");
const quick = document.querySelector("#quick");
const root = document.querySelector("#listener");

localStorage.removeItem(stored);
history.replaceState(null, "", `?study=${token}`); // where the listener's page looks for it
const { mount } = await import(new URL("assets/listener.js", here));

async function place(change) {
  const options = change && { method: "POST", body: JSON.stringify(change), headers: { "Content-Type": "application/json" } };
  const reply = await fetch(new URL("api/place", here), { cache: "no-store", ...options });
  if (!reply.ok) throw new Error((await reply.json().catch(() => null))?.error ?? `HTTP ${reply.status}`);
  return reply.json();
}

function show({ position, name, places, facts }) {
  const welcome = Boolean(root.querySelector("[data-screen=welcome]"));
  const buttons = [{ name: "Welcome", position: -1 }, ...places].map((one) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: one.name });
    button.addEventListener("click", () => inTurn(() => go(one.position)));
    if (welcome ? one.position < 0 : one.name === name) button.setAttribute("aria-current", "step");
    return button;
  });
  if (bar.children.length !== buttons.length) bar.replaceChildren(...buttons);
  buttons.forEach((button, index) => {
    const current = button.getAttribute("aria-current");
    if (current) bar.children[index].setAttribute("aria-current", current);
    else bar.children[index].removeAttribute("aria-current");
  });
  const list = document.querySelector("#behind ul");
  const said = welcome || !facts.length ? ["nothing is hidden on this screen"] : facts;
  list.replaceChildren(...said.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  document.body.dataset.position = welcome ? "welcome" : position;
}

// One after another: what an earlier press asked for must not come after what a later one has shown.
let turn = Promise.resolve();
const inTurn = (work) => (turn = turn.then(work, work));

async function go(position) {
  if (position < 0) {
    await place({ position: 0 });
    return location.reload();
  }
  await place({ position });
  await listener.proceed(); // in a click, so the page may sound
}

quick.addEventListener("change", () => inTurn(async () => {
  await place({ quick: quick.checked });
  if (!root.querySelector("[data-screen=welcome]")) await listener.proceed();
}));

await place({ position: 0 });
const listener = await mount(root);
quick.checked = (await place()).quick;
let waiting, looks = 0;
async function look() {
  const number = (looks += 1);
  const now = await place();
  if (number === looks) show(now); // else a later look has asked
}
new MutationObserver(() => {
  clearTimeout(waiting);
  waiting = setTimeout(look, 50);
}).observe(root, { childList: true, subtree: true });
await look();
