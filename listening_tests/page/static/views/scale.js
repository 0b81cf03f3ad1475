// One sound, alone or against a reference, on a category scale: ACR, DCR (ITU-T P.800), similarity.

import { ChoiceView } from "./choice_view.js";

export class ScaleView extends ChoiceView {
  constructor(trial) {
    super(trial, { scale: trial.public.scale, layout: "list", together: false, numbered: true });
  }

  /** Digits rate here, as there is one sound to rate. */
  key(event) {
    if (/^[0-9]$/.test(event.key)) return this.choices.choose(Number(event.key));
    return super.key(event);
  }
}
