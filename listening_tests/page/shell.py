"""The Gradio shell around the listener's page: one ``gr.HTML`` that starts our own scripts, and nothing else.

Trials do not use Gradio's components or events: everything a Gradio page knows is public in its ``/config``, ``gr.Audio`` shows
file names and changes levels, and its state dies with the process. The scripts talk to the service's own endpoints.
"""

from __future__ import annotations

import warnings
from typing import Any

import gradio as gr
from fastapi import FastAPI
from gradio.themes.utils import fonts

FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
FONT_MONO = ("ui-monospace", "Consolas", "monospace")

TEMPLATE = '<div id="listener"><noscript>This page needs JavaScript to play the sounds.</noscript></div>'
# Relative to the page's own address, so that it also works behind a proxy that adds a prefix.
START = """
const page = new URL(document.baseURI);
import(new URL("../assets/listener.js", page.href.endsWith("/") ? page : page.href + "/"))
  .then((listener) => listener.mount(element.querySelector("#listener")));
"""
CSS = """
footer { display: none !important; }
.gradio-container {
  max-width: none !important; padding: 0 !important; background: none !important; overflow: visible !important;
}
.gradio-container > main, .gradio-container .main, .gradio-container .contain {
  padding: 0 !important; max-width: none !important; gap: 0 !important;
}
"""
HEAD = '<meta name="robots" content="noindex"><meta name="referrer" content="no-referrer">'


def system_theme() -> gr.themes.Base:
    """A theme with the fonts that are on the listener's device: none is fetched."""
    return gr.themes.Default(
        font=[fonts.Font(name) for name in FONT],
        font_mono=[fonts.Font(name) for name in FONT_MONO],
    )


def make_listener_page() -> gr.Blocks:
    """The page as Gradio sees it; the same for every study and listener, so its ``/config`` holds nothing of either."""
    with gr.Blocks(title="Listening test", analytics_enabled=False) as page:
        gr.HTML(html_template=TEMPLATE, js_on_load=START, apply_default_css=False, elem_id="listener-page")
    return page


def mount_listener(app: FastAPI, path: str = "/listen") -> FastAPI:
    """Mount the listener's page on the service.

    Args:
        app: that serves ``assets/`` and ``api/`` beside ``path``.
        path: one level deep, as the page looks for ``../assets``.
    """
    return mount_plain(app, make_listener_page(), path, css=CSS, head=HEAD, show_error=False)


def mount_plain(
    app: FastAPI, blocks: gr.Blocks, path: str, *, theme: gr.themes.Base | None = None, **options: Any
) -> FastAPI:
    """Mount Blocks without what Gradio adds of its own accord: footer, history, monitoring, API pages, fonts of others."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "SSR mode is not supported"
        )  # Gradio says so although it is switched off here
        return gr.mount_gradio_app(
            app,
            blocks,
            path=path,
            theme=theme or system_theme(),
            footer_links=[],
            run_history=False,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            enable_monitoring=False,
            max_file_size="1mb",
            app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
            **options,
        )
