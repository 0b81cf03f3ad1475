// Two sounds that may be one and the same.

import { ChoiceView } from "./choice_view.js";

const WHICH = ["same", "different"].map((value) => ({ value, label_key: `same-different.${value}` }));

export class SameDifferentView extends ChoiceView {
  constructor(trial) {
    super(trial, { scale: trial.public.scale ?? WHICH, layout: "row", together: trial.public.together ?? true });
  }
}
