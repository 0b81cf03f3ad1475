"""A report's figure on this page, drawn by the reports' own painter."""

from __future__ import annotations

import html

from reports.figures import Figure, to_json

NONE = "<p></p>"  # the place of a figure that is not there: an empty text would leave what is


def drawn(figure: Figure, name: str, told_as: str) -> str:
    """HTML of a figure, for a place made by ``application.routes.figures.figures``.

    Args:
        name: id in the page, letters and dashes.
        told_as: what it shows, for screen readers; the numbers are in the table below it.
    """
    height = figure.content()["layout"]["height"]
    label = html.escape(told_as, quote=True)
    return (
        f'<div><figure class="plot" data-plot="{name}" role="img" aria-label="{label}" '
        f'style="min-height:{height}px"></figure><script type="application/json" id="{name}">{to_json(figure)}</script></div>'
    )
