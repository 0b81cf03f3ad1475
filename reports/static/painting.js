"use strict";
/* Colours: a figure says whose a trace is, the style sheet says how that looks. */
let styled = document.documentElement; /* whose colours are asked for */
const styleOf = (name) => getComputedStyle(styled).getPropertyValue(name).trim();
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
function painted(figure, element = document.documentElement) {
  styled = element;
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
