// The header's menu and switch, and the skeleton's end.
const menu = document.querySelector(".shell-menu");
const nav = document.querySelector(".shell-nav");
const scheme = document.querySelector("#shell-scheme");
const content = document.querySelector("#shell-content");
const skeleton = document.querySelector(".shell-skeleton");

function open(on) {
  menu.setAttribute("aria-expanded", String(on));
  nav.classList.toggle("shell-open", on);
}
menu.addEventListener("click", () => open(menu.getAttribute("aria-expanded") !== "true"));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || menu.getAttribute("aria-expanded") !== "true") return;
  open(false);
  menu.focus();
});

scheme.value = window.streamflowScheme.get();
scheme.addEventListener("change", () => window.streamflowScheme.set(scheme.value));

// <base> would turn "#shell-content" into an address of its own.
document.querySelector(".shell-skip").addEventListener("click", (event) => {
  event.preventDefault();
  content.focus();
});

// The skeleton goes when there is a heading, which every page has; not a moment earlier, so that the page never blinks.
const drawn = () => content.querySelector("gradio-app h1");
function reveal() {
  skeleton.remove();
  document.documentElement.classList.add("shell-drawn");
  if (location.hash.length > 1) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}
if (drawn()) reveal();
else {
  const watch = new MutationObserver(() => {
    if (!drawn()) return;
    watch.disconnect();
    reveal();
  });
  watch.observe(content, { childList: true, subtree: true });
}

// What scrolls sideways can be scrolled by keyboard too.
const SCROLLS = ".scroll, .prose table";
function reachable() {
  for (const box of content.querySelectorAll(SCROLLS)) {
    const wide = box.scrollWidth > box.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(box).overflowX);
    if (wide && !box.hasAttribute("tabindex")) {
      box.tabIndex = 0;
      box.dataset.scrolls = "";
    } else if (!wide && "scrolls" in box.dataset) {
      box.removeAttribute("tabindex");
      delete box.dataset.scrolls;
    }
  }
}
let planned = 0;
const plan = () => {
  planned ||= setTimeout(() => {
    planned = 0;
    reachable();
  }, 200);
};
new MutationObserver(plan).observe(content, { childList: true, subtree: true });
addEventListener("resize", plan);
