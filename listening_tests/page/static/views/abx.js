// A, B, and X, which is one of the two.

import { ChoiceView } from "./choice_view.js";

const WHICH = ["A", "B"].map((value) => ({ value, label_key: `abx.${value}` }));

export class AbxView extends ChoiceView {
  constructor(trial) {
    super(trial, { scale: trial.public.scale ?? WHICH, layout: "row", together: trial.public.together ?? true });
  }
}
