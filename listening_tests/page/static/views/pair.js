// Two sounds against each other: CCR (how much better is the second) or AB (which one).

import { ChoiceView } from "./choice_view.js";

const WHICH = ["A", "same", "B"].map((value) => ({ value, label_key: `ab.${value}` }));

export class PairView extends ChoiceView {
  constructor(trial) {
    const scale = trial.public.scale ?? WHICH;
    super(trial, { scale, layout: scale.length > 3 ? "list" : "row", together: trial.public.together ?? true });
  }
}
