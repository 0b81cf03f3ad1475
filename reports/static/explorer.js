/* The utterances of a report: found by words, ordered by a score or by its difference to the baseline. */
const explorer = document.getElementById("explorer");
if (explorer) {
  const { baseline, systems, metrics, utterances } = JSON.parse(explorer.textContent);
  const at = (id) => document.getElementById(id);
  const place = at("utterances"), sections = [...place.querySelectorAll(".utterance")];
  const shown = document.head.appendChild(document.createElement("style"));
  const base = systems.indexOf(baseline);

  /* The score by which utterances are ordered: positive is better. A metric without a direction counts upwards. */
  const oriented = (utterance, system, metric) => {
    const value = utterance.scores[system][metric];
    return value === null ? null : value * (metrics[metric].direction === "lower" ? -1 : 1);
  };
  function keyOf(utterance, order, metric, wanted) {
    const among = wanted === "any" ? systems.map((_, place) => place).filter((place) => place !== base) : [Number(wanted)];
    const values = among.map((system) => {
      const value = oriented(utterance, system, metric);
      if (value === null || order === "worst" || order === "best") return value;
      const other = oriented(utterance, base, metric);
      return other === null ? null : value - other;
    }).filter((value) => value !== null);
    if (!values.length) return null;
    return order === "worst" || order === "loss" ? Math.min(...values) : -Math.max(...values);
  }
  function arrange() {
    const metric = at("explorer-metric").value, order = at("explorer-order").value, wanted = at("explorer-system").value;
    const by = metric === "all" ? 0 : Number(metric);
    const words = at("find").value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    shown.textContent = metric === "all" ? "" : `#utterances .players :is(th, td):nth-child(n + 3):not(:nth-child(${by + 3})) { display: none; }`;
    place.classList.toggle("one-score", metric !== "all");
    place.classList.toggle("pictures", at("explorer-view").value === "pictures");
    const ranked = utterances.map((utterance, index) => ({ index, key: order === "corpus" ? 0 : keyOf(utterance, order, by, wanted) }));
    ranked.sort((a, b) => (a.key === null) - (b.key === null) || a.key - b.key || a.index - b.index);
    const inOrder = ranked.map(({ index }) => sections[index]);
    if (inOrder.some((section, index) => section !== place.children[index])) place.append(...inOrder);
    let count = 0;
    utterances.forEach((utterance, index) => {
      const fits = words.every((word) => utterance.words.includes(word)) && (utterance.lacking || !at("lacking").checked);
      sections[index].hidden = !fits;
      count += fits;
    });
    const ordered = order === "corpus" || !metrics.length ? "" : `, by ${metrics[by].name}`;
    at("explorer-count").textContent = `${count} of ${utterances.length} utterances${ordered}`;
  }
  const form = at("find").closest("form");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", arrange);
  form.addEventListener("change", arrange);
  if (metrics.length > 6 && at("explorer-metric").value === "all") at("explorer-metric").value = "0"; /* the row would not fit */
  arrange(); /* a browser may have kept the choices over a reload */
}
