// Starts the two parts of the compare page that are not Gradio's; called by the gr.HTML that hold their markup.

import { Source } from "./source.js";
import { Stage } from "./stage.js";

let stage = null;
const early = []; // what Gradio said before the stage was there

/** The stage in `root`; Gradio's values reach it through `tell`. */
export function mountStage(root) {
  stage = new Stage(root);
  for (const one of early.splice(0)) one(stage);
  return stage;
}

const withStage = (action) => (stage ? action(stage) : early.push(action));

/** @param {{what: "loaded"|"view"|"decode", query: string, looks: object, error: string}} said by the form */
export function tell(said) {
  if (!said) return;
  withStage((one) => {
    if (said.what === "decode") one.decode(said);
    else {
      one.setView(said);
      if (said.what === "loaded" && said.error) one.fail(said.error); // the link could not be read
      else if (said.what === "loaded") one.resume();
    }
  });
}

export const pressed = () => withStage((one) => one.pressed());

export function mountSource(root, options) {
  return new Source(root, options);
}
