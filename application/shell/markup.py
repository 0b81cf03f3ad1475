"""The header, the skeleton and what belongs into the head, as HTML."""

from __future__ import annotations

from html import escape

from ..assets import asset
from ..blocks import MOUNT
from ..pages import PAGES

NAME = "StreamFlow Harness"
# Three bars of a sound, the middle one heard: the mark of the application. No text, so that it needs no words.
MARK = (
    '<svg class="shell-mark" viewBox="0 0 24 24" aria-hidden="true"><path d="M3 9v6M7.5 5v14M12 8v8M16.5 3v18M21 10v4"/>'
    "</svg>"
)
SCHEMES = (("system", "As the system"), ("light", "Light"), ("dark", "Dark"))


def title_of(name: str) -> str:
    """The document's title: the page first, then the application."""
    return f"{next(page.title for page in PAGES if page.path == name)} · {NAME}"


def head_of(name: str, up: str) -> str:
    """Title, style sheets, and the script that must run before anything is painted."""
    links = "".join(
        f'<link rel="stylesheet" href="{up}{asset(path)[1:]}">'
        for path in ("visual.css", "shell/shell.css", "shell/gradio.css")
    )
    return (
        f"<title>{escape(title_of(name))}</title>"
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f'<link rel="icon" type="image/svg+xml" href="{up}{asset("shell/mark.svg")[1:]}">'
        f'{links}<script src="{up}{asset("shell/scheme.js")[1:]}"></script>'
        f'<script type="module" src="{up}{asset("shell/shell.js")[1:]}"></script>'
    )


def body_of(name: str, up: str) -> tuple[str, str]:
    """What comes before and after Gradio's own in the body."""
    title = next(page.title for page in PAGES if page.path == name)
    before = (
        '<a class="shell-skip" href="#shell-content">Skip to the page</a>'
        f'{header(name, up)}<div id="shell-content" tabindex="-1">'
        f'<div class="shell-skeleton" role="status"><p class="shell-skeleton-title">{escape(title)}</p>'
        '<span class="shell-unseen">is loading</span><div></div><div></div><div></div><div></div></div>'
    )
    return before, "</div>"


def header(name: str, up: str) -> str:
    """The bar at the top: name, navigation with the current page marked, colour scheme, way out."""
    base = f"{up}{MOUNT[1:]}/"
    links = "".join(
        f'<li><a href="{base}{page.path}"{" aria-current=page" if page.path == name else ""}>{escape(page.title)}</a></li>'
        for page in PAGES
    )
    schemes = "".join(f'<option value="{value}">{words}</option>' for value, words in SCHEMES)
    return (
        f'<header class="shell-header"><div class="shell-bar"><a class="shell-name" href="{base}">{MARK}{NAME}</a>'
        '<button class="shell-menu" type="button" aria-expanded="false" aria-controls="shell-nav">Menu</button>'
        f'<nav id="shell-nav" class="shell-nav" aria-label="Pages"><ul>{links}</ul>'
        '<div class="shell-own"><label class="shell-scheme"><span>Colours</span>'
        f'<select id="shell-scheme" autocomplete="off">{schemes}</select></label>'
        f'<a href="{up}logout">Log out</a></div></nav></div></header>'
    )
