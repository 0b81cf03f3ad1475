/* Figures and tables of the reports' templates inside a page of the application: painted, sorted and copied as there.

   The server sends them as HTML with the figures as JSON beside their places; it sends them again whenever a control
   changes. Nothing is drawn before it comes near the screen, and plotly is loaded with the first figure that does. */

const CONFIG = { responsive: true, displayModeBar: false, displaylogo: false, showTips: false, doubleClick: "reset" };
let plotly = null;

function loaded(address) {
  plotly ??= new Promise((done, failed) => {
    const script = Object.assign(document.createElement("script"), { src: address });
    script.addEventListener("load", () => done(window.Plotly));
    script.addEventListener("error", () => failed(new Error("the figures' script could not be loaded; reload the page")));
    document.head.append(script);
  });
  return plotly;
}

function styled(address) {
  if (document.querySelector(`link[href="${address}"]`)) return;
  document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: address }));
}

class Figures {
  constructor(place, addresses, painting) {
    Object.assign(this, { place, addresses, painting });
    this.near = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) this.draw(target);
    }, { rootMargin: "400px" });
  }

  /* What the server sent. A figure that was there already stays where it is and only gets other data. */
  show(content) {
    const next = document.createElement("template");
    next.innerHTML = content;
    this.near.disconnect();
    for (const place of next.content.querySelectorAll("[data-plot]")) {
      const before = this.place.querySelector(`[data-drawn][data-plot="${place.dataset.plot}"]`);
      if (before) place.replaceWith(before);
    }
    this.place.replaceChildren(next.content);
    this.place.querySelectorAll("table.data").forEach(this.painting.sortable);
    this.place.querySelectorAll("[data-exports]").forEach(this.painting.exported);
    this.place.querySelectorAll("[data-plot]").forEach((place) => this.near.observe(place));
    this.place.removeAttribute("aria-busy");
  }

  async draw(place) {
    this.near.unobserve(place);
    try {
      const engine = await loaded(this.addresses.plotly);
      const source = place.parentElement?.querySelector(`script[type="application/json"]`);
      if (!place.isConnected || !source) return; /* replaced meanwhile */
      const { data, layout } = this.painting.painted(JSON.parse(source.textContent), place);
      await engine.react(place, data, layout, CONFIG);
      place.dataset.drawn = "";
    } catch (error) {
      place.textContent = error.message;
    }
  }

  /* Light became dark, or the other way round. */
  again() {
    this.place.querySelectorAll("[data-drawn]").forEach((place) => this.draw(place));
  }
}

export async function mount(place, addresses, { content, onChange }) {
  styled(addresses.style);
  const figures = new Figures(place, addresses, await import(addresses.painting));
  const show = () => { if (content()) figures.show(content()); };
  show();
  onChange(show);
  const again = () => figures.again();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  addEventListener("beforeprint", () => place.querySelectorAll("[data-plot]").forEach((one) => figures.draw(one)));
  new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-scheme"] });
}
