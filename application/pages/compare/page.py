"""The page put together: what to decode on top, the stage below; everything of the form is in the address."""

from __future__ import annotations

from typing import Any

import gradio

from harness.corpus import Utterance, load_corpus
from harness.live.limits import Limits
from streamflow.errors import StreamflowError

from ...messages import told
from ...site import Site
from .editor import QUIET, Editor
from .markup import CANCEL, module, source_parts, stage_parts
from .view_form import Chosen, chosen_of, label_of, told_to_page

SPEECH = "speech"  # tokens come at the rate of the checkpoint's speech: 25 a second with the shipped one
RATES = [("real time", SPEECH), ("50 a second", 50.0), ("100", 100.0), ("200", 200.0), ("all at once", 0.0)]


class ComparePage:
    """The form, and what happens when it changes."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.utterances = load_corpus(site.corpus).utterances
        self.limits: Limits = site.live.limits

    def draw(self) -> None:
        gradio.Markdown(
            "# Compare\n\nDecode one utterance with several systems, here and now, and hear them while they stream."
        )
        with gradio.Row():
            with gradio.Column(scale=1, min_width=320):
                self._draw_source()
            with gradio.Column(scale=1, min_width=320):
                self._draw_systems()
        with gradio.Accordion("Change a system's parameters", open=False):
            self.editor = Editor(self.site.live.describe)
        with gradio.Row(elem_classes="cmp-press"):
            self.decode = gradio.Button("Decode", variant="primary", elem_id="compare-decode", min_width=160)
            gradio.HTML(CANCEL, apply_default_css=False, elem_classes="cmp-cancel-place")
        gradio.HTML(elem_id="compare-stage", apply_default_css=False, **stage_parts())
        self.said = gradio.JSON(visible=False)
        self._connect()

    def _draw_source(self) -> None:
        choices = [(_title(one), one.utterance_id) for one in self.utterances]
        self.utterance = gradio.Dropdown(
            choices,
            value=choices[0][1],
            label="Utterance",
            info=f"{len(choices)} of the corpus: who reads, what is read.",
        )
        with gradio.Accordion("Your own recording", open=False) as self.own:
            self.source = gradio.HTML(apply_default_css=False, **source_parts(self.limits))
        with gradio.Row():
            names = self.site.live.checkpoint_names()
            self.checkpoint = gradio.Dropdown(names, value=names[0], label="Checkpoint", info="Weights.", min_width=140)
            # no bounds of its own: Gradio would refuse in its words, and round, before the view can say what it takes
            self.seed = gradio.Number(0, label="Seed", info="Of the noise.", min_width=100)
            self.rate = gradio.Dropdown(
                RATES, value=SPEECH, label="Tokens arrive", info="At the rate of speech, or faster.", min_width=180
            )

    def _draw_systems(self) -> None:
        self.offered = gradio.State(())
        self.systems = gradio.CheckboxGroup(
            [],
            label="Systems",
            info=f"At most {self.limits.max_systems}; the ceilings copy-synthesis and tokenizer come of themselves.",
            elem_classes="cmp-systems",
        )

    def _connect(self) -> None:
        form = [self.utterance, self.source, self.checkpoint, self.seed, self.rate, self.systems]
        blocks = gradio.context.Context.root_block
        tell = module("module.tell(values[0]);")

        def written(event: Any) -> None:
            event.then(None, self.said, None, js=tell, **QUIET)

        arrived = blocks.load(self.arrive, None, [*form, self.own, self.offered, self.said], **QUIET)
        written(arrived)
        # one event for all of them, so that the answers come in the order of what was done
        moved = [control.input for control in form]
        written(gradio.on(moved, self.changed, form, self.said, trigger_mode="always_last", **QUIET))
        pressed = module("module.pressed(); return values;")
        written(self.decode.click(self.pressed, form, self.said, js=pressed, **QUIET))
        added = self.editor.add.click(
            told(self.added),
            [self.systems, self.offered, *self.editor.inputs],
            [self.systems, self.offered, self.editor.name],
            **QUIET,
        )
        written(added.success(self.changed, form, self.said, **QUIET))
        self.editor.connect(self.checkpoint)

    # what happens

    def arrive(self, request: gradio.Request) -> list[Any]:
        """The form as the address fills it in; a link that cannot be read is said, and the page is as without it."""
        try:
            chosen, error = chosen_of(request.query_params.multi_items(), self.utterances), None
        except StreamflowError as wrong:
            chosen, error = chosen_of([], self.utterances), str(wrong)
        self.site.live.prepare()
        upload = {"id": chosen.upload} if chosen.upload else None
        told = told_to_page(chosen, "loaded") | ({"error": f"this link cannot be read: {error}"} if error else {})
        return [
            chosen.utterance, upload, gradio.update(value=chosen.checkpoint), chosen.seed, _rate(chosen.rate),
            gradio.update(choices=_choices(chosen.offered), value=list(chosen.systems)), gradio.update(open=bool(upload)),
            chosen.offered, told,
        ]  # fmt: skip

    def changed(self, *values: Any) -> dict[str, Any]:
        """A control was moved: the address follows."""
        return told_to_page(_chosen(values), "view")

    def pressed(self, *values: Any) -> dict[str, Any]:
        """Decode was pressed."""
        return told_to_page(_chosen(values), "decode")

    def added(self, ticked: list[str], offered: tuple[str, ...], *editor: Any) -> list[Any]:
        """A variant of the editor's, ticked, with whatever was there."""
        entry = self.editor.entry(*editor)
        name = entry.partition(":")[0]
        others = [one for one in offered if one != entry and one.partition(":")[0].partition(",")[0] != name]
        kept = [one for one in ticked if one in others]
        offered = (*others, entry)
        return [gradio.update(choices=_choices(offered), value=[*kept, entry]), offered, ""]


def _chosen(values: tuple[Any, ...]) -> Chosen:
    utterance, upload, checkpoint, seed, rate, systems = values
    return Chosen(
        utterance,
        (upload or {}).get("id"),
        checkpoint,
        "" if seed is None else seed,
        None if rate == SPEECH else float(rate or 0),
        tuple(systems),
        tuple(systems),
    )


def _choices(entries: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(label_of(entry), entry) for entry in entries]


def _rate(rate: float | None) -> Any:
    """The rate, also one of a link that the list does not have."""
    value = SPEECH if rate is None else rate
    known = RATES if any(value == one for _, one in RATES) else [*RATES, (f"{rate:g} a second", rate)]
    return gradio.update(choices=known, value=value)


def _title(one: Utterance) -> str:
    return " · ".join(part for part in (one.utterance_id, one.speaker_id, one.split, one.text) if part)
