"""All pages as one Gradio application of several pages."""

from __future__ import annotations

import warnings

import gradio

from .pages import PAGES
from .site import Site

MOUNT = "/app"
CACHE_S = (600, 3600)  # what passed through Gradio: looked through so often, deleted when so old


def make_blocks(site: Site) -> gradio.Blocks:
    """The pages, the first at the mount itself.

    Args:
        site: what they work on.
    """
    # Figures come with their data in <script type="application/json">, which the page's painter reads and nothing runs.
    warnings.filterwarnings("ignore", "A `<script>` tag was found in the content of a `gr.HTML`", UserWarning)
    first, *others = PAGES
    with gradio.Blocks(title=first.title, analytics_enabled=False, delete_cache=CACHE_S) as blocks:
        first.build(site)
    for page in others:
        with blocks.route(page.title, f"/{page.path}"):
            page.build(site)
    return blocks
