"""The page's own parts in HTML: the stage, and the place for one's own recording. static/compare/ gives them life."""

from __future__ import annotations

from html import escape

from harness.live.limits import Limits
from harness.live.upload import limits_text

from ...assets import asset

START = """
const at = (path) => new URL(".." + path, document.baseURI).href;
if (!document.querySelector(`link[href="${at("STYLE")}"]`)) {
  document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: at("STYLE") }));
}
"""

CANCEL = '<div class="cmp"><button type="button" class="cmp-cancel" disabled>Cancel</button></div>'

STAGE = """
<section class="cmp cmp-stage" aria-label="Systems" aria-busy="false">
  <div class="cmp-bar">
    <progress aria-label="Progress of decoding" hidden></progress>
    <p class="cmp-said" role="status" aria-live="polite"></p>
  </div>
  <p class="cmp-error" role="alert" hidden></p>
  <p class="cmp-old" hidden>The form was changed since: press Decode to hear what it says now.</p>
  <p class="cmp-empty">Press Decode: the systems render the same tokens one after another, with a waveform that grows
    as the audio comes. Nothing plays by itself; press Play on a system, also while it still decodes.</p>
  <div class="cmp-skeleton" hidden aria-hidden="true"><div></div><div></div><div></div></div>
  <div class="cmp-rows"></div>
  <p class="cmp-measured cmp-kind" hidden>Times are of one decode, paced, on a machine as busy as it is; for figures use
    a run. <span class="cmp-beside"></span></p>
  <div class="cmp-tools">
    <label><input type="checkbox" class="cmp-matched" checked> Match levels to the recording
      (one gain a system, known once it is decoded)</label>
    <button type="button" class="cmp-copy">Copy link</button>
    <input class="cmp-link" aria-label="Permanent link" readonly hidden>
    <a class="cmp-corpus" href="runs?new=1">Compare these systems over a whole corpus</a>
    <span class="cmp-kind">Keys: 1 to 9 play a system, 0 the recording, space plays and stops, Esc stops.</span>
  </div>
  <div class="cmp-side"></div>
  <div class="cmp-blind"></div>
</section>
"""

SOURCE = """
<section class="cmp cmp-source" aria-label="Your own recording">
  <div class="cmp-source-buttons">
    <button type="button" class="cmp-choose">Choose a file</button>
    <input type="file" accept="audio/*,.wav,.flac,.ogg,.opus,.mp3" hidden>
    <button type="button" class="cmp-record" aria-pressed="false">Record</button>
    <button type="button" class="cmp-delete" hidden>Delete it</button>
  </div>
  <p class="cmp-source-said" role="status" aria-live="polite"></p>
  <p class="cmp-kind">LIMITS</p>
</section>
"""


def stage_parts() -> dict[str, str]:
    """Template and script of the stage's ``gradio.HTML``."""
    return {"html_template": STAGE, "js_on_load": _start("module.mountStage(element.querySelector('.cmp-stage'));")}


def source_parts(limits: Limits) -> dict[str, str]:
    """Template and script of the place for one's own recording.

    Args:
        limits: said beforehand.
    """
    said = f"{limits_text(limits)} Nobody else can hear it; a link to it works in this browser, and until then."
    options = f"maxBytes: {limits.upload_bytes}, maxSeconds: {limits.max_seconds}"
    mount = (
        "const source = module.mountSource(element.querySelector('.cmp-source'), {"
        f"{options}, onChange: (value) => {{ props.value = value; trigger('input'); }} }});"
        "source.restore(props.value?.id); watch('value', () => source.restore(props.value?.id));"
    )
    return {"html_template": SOURCE.replace("LIMITS", escape(said)), "js_on_load": _start(mount)}


def module(action: str) -> str:
    """A handler for Gradio's ``js=``: runs ``action`` with the page's module as ``module`` and the inputs as ``values``."""
    address = asset("compare/main.js")
    return f'async (...values) => {{ const module = await import(new URL("..{address}", document.baseURI).href); {action} }}'


def _start(mount: str) -> str:
    start = START.replace("STYLE", asset("compare/compare.css"))
    return f'{start}import(at("{asset("compare/main.js")}")).then((module) => {{ {mount} }});'
