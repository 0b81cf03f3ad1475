// Sets of times as sorted, disjoint intervals [[from, to], ...] in seconds: what of a sound was heard.

/** `intervals` with [from, to] joined in; gaps up to `tolerance` s (rounding of the audio clock) close. */
export function withInterval(intervals, from, to, tolerance = 1e-4) {
  if (!(to > from)) return intervals;
  const joined = [];
  let [start, end] = [from, to];
  for (const [a, b] of intervals) {
    if (b < start - tolerance || a > end + tolerance) joined.push([a, b]);
    else [start, end] = [Math.min(a, start), Math.max(b, end)];
  }
  joined.push([start, end]);
  return joined.sort((one, other) => one[0] - other[0]);
}

/** Seconds that `intervals` cover. */
export function covered(intervals) {
  return intervals.reduce((sum, [from, to]) => sum + to - from, 0);
}

/** The pieces of [from, to] by what was selected: `selections` is [{time, label}] in order; yields {from, to, label}. */
export function* bySelection(selections, from, to) {
  for (let i = 0; i < selections.length; i++) {
    const start = Math.max(from, i === 0 ? -Infinity : selections[i].time);
    const end = Math.min(to, i + 1 < selections.length ? selections[i + 1].time : Infinity);
    if (end > start) yield { from: start, to: end, label: selections[i].label };
  }
}
