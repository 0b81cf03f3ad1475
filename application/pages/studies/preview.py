"""The preview of a study: the listener's own page in a frame."""

from __future__ import annotations

import html

import gradio

from listening_tests.preview import Walk, preview_of_study

from ...messages import told
from ...routes.preview import PREFIX
from ...site import Site

GONE = ""
PROMISE = "Real screens and sounds of the study; nothing is saved. Sound plays when you press something that says so."


def preview_tab(site: Site, choice: gradio.Dropdown) -> None:
    """Draw the tab of the chosen study's preview."""
    gradio.Markdown(PROMISE)
    look = gradio.Button("Preview this study")
    shown = gradio.HTML("", elem_id="study-preview", apply_default_css=False)

    def previewed(name: str | None) -> str:
        if not name:
            return GONE
        return framed(site, preview_of_study(site.workspace.path(name)))

    look.click(told(previewed), choice, shown, api_visibility="private", concurrency_limit=2)
    choice.change(None, None, shown, js='() => ""')  # at once, not after the next preview


def framed(site: Site, walk: Walk) -> str:
    """A frame with the walk, kept from now on, and links to see it in a tab of its own and as a phone shows it."""
    address = f"..{PREFIX}/{site.previews.add(walk)}/"
    title = html.escape(f"Preview of {walk.study.title}", quote=True)
    return (
        f'<div class="study-preview"><p><a href="{address}" target="_blank" rel="noopener">Open the preview in a new tab'
        f'</a></p><iframe src="{address}" title="{title}"></iframe></div>'
    )


def frame_of(address: str, title: str, kind: str = "study-report") -> str:
    """Something of ours in a frame, with a link to it."""
    told_as = html.escape(title, quote=True)
    return (
        f'<div class="{kind}"><p><a href="{address}" target="_blank" rel="noopener">{told_as} in a new tab</a></p>'
        f'<iframe src="{address}" title="{told_as}"></iframe></div>'
    )
