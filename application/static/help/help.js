/* The handbook: found as one types, with the search and the place in the address. */

const plain = (text) => text.toLocaleLowerCase().replace(/[\s_-]+/g, " ");

function searchable(root) {
  const entries = [...root.querySelectorAll(".help-entry, .help-intro")].map((node) => {
    const section = node.closest(".help-section").querySelector("h2").textContent;
    return { node, text: plain(`${section} ${node.textContent}`) };
  });
  const sections = [...root.querySelectorAll(".help-section")];
  const said = root.querySelector("#help-found");
  return (query) => {
    const words = plain(query).trim().split(" ").filter(Boolean);
    let found = 0;
    for (const { node, text } of entries) {
      node.hidden = !words.every((word) => text.includes(word));
      found += !node.hidden && node.matches(".help-entry");
    }
    for (const section of sections) section.hidden = !section.querySelector(".help-entry:not([hidden]), .help-intro:not([hidden])");
    said.textContent = words.length ? (found ? `${found} found` : "nothing found: try fewer or other words") : "";
  };
}

/* The page is there before its address can be followed, so that is done here. */
function follow(root) {
  const name = decodeURIComponent(location.hash.slice(1));
  const target = name && root.querySelector(`#${CSS.escape(name)}`);
  if (!target) return;
  root.querySelectorAll(".help-here").forEach((one) => one.classList.remove("help-here"));
  target.closest(".help-entry")?.classList.add("help-here");
  target.scrollIntoView();
}

export function mount(root, styles) {
  const sheets = styles.map((href) => Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
  const loaded = sheets.map((sheet) => new Promise((done) => { sheet.onload = sheet.onerror = done; }));
  document.head.append(...sheets);
  const box = root.querySelector("#help-search"), search = searchable(root);
  box.value = new URL(location.href).searchParams.get("q") ?? "";
  search(box.value);
  box.addEventListener("input", () => {
    search(box.value);
    const page = new URL(location.href);
    if (box.value) page.searchParams.set("q", box.value); else page.searchParams.delete("q");
    history.replaceState(history.state, "", page);
  });
  addEventListener("hashchange", () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target?.closest("[hidden]")) { box.value = ""; search(""); }
    follow(root);
  });
  Promise.all(loaded).then(() => follow(root)); /* its place depends on the style */
}
