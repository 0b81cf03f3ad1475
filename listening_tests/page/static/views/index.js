// The views by the names that steps use.

import { AbxView } from "./abx.js";
import { IntervalsView } from "./intervals.js";
import { PairView } from "./pair.js";
import { SameDifferentView } from "./same_different.js";
import { ScaleView } from "./scale.js";
import { SeamsView } from "./seams.js";
import { SlidersView } from "./sliders.js";

export const VIEWS = {
  scale: ScaleView,
  pair: PairView,
  abx: AbxView,
  "same-different": SameDifferentView,
  sliders: SlidersView,
  seams: SeamsView,
  intervals: IntervalsView,
};
