// The colour scheme that the person chose, before anything is painted. Gradio asks the media query and nothing else, so
// that is where it is told; our own style sheets go by data-scheme (reports/visual.py).
(() => {
  const KEY = "streamflow-scheme";
  const stored = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // a browser that keeps nothing: the system's scheme
    }
  };
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const real = Object.getOwnPropertyDescriptor(MediaQueryList.prototype, "matches").get;
  Object.defineProperty(MediaQueryList.prototype, "matches", {
    configurable: true,
    get() {
      const asks = /prefers-color-scheme:\s*(dark|light)/.exec(this.media);
      const chosen = root.dataset.scheme;
      return asks && chosen ? asks[1] === chosen : real.call(this);
    },
  });

  function use(choice) {
    if (choice === "light" || choice === "dark") root.dataset.scheme = choice;
    else delete root.dataset.scheme;
    document.body?.classList.toggle("dark", dark.matches); // Gradio's mark
    dispatchEvent(new CustomEvent("streamflow-scheme", { detail: dark.matches ? "dark" : "light" }));
  }

  use(stored());
  window.streamflowScheme = {
    get: () => stored() ?? "system",
    set(choice) {
      try {
        localStorage.setItem(KEY, choice);
      } catch {
        // then it holds for this page
      }
      use(choice);
    },
  };
})();
