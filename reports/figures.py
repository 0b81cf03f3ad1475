"""What every plot shares: a plotly figure as plain data, its axes, and how it names its colours.

A figure holds no colours. Each trace says in ``meta`` whose it is, and the page paints it from its style sheet, so that
a plot follows the light or dark scheme and a system looks the same everywhere. Plain dictionaries, because plotly's own
classes take a tenth of a second for each shape; tests pass every figure through them.
"""

from __future__ import annotations

import html
import json

from reports.colours import Appearance

ROW_HEIGHT = 26  # px for one system in a plot that has a row for each
FRAME_HEIGHT = 74  # px for the axis and its title around those rows
LONGEST_NAME = 22  # letters of a name beside an axis: on a page of 400 px the plot needs the rest


class Figure:
    """``data`` and ``layout`` as plotly.js takes them."""

    def __init__(self, height: int, **layout: object) -> None:
        self.data: list[dict] = []
        self.layout: dict = {
            "height": height,
            "showlegend": False,
            "margin": {"l": 8, "r": 12, "t": 8, "b": 40},
            "dragmode": False,
            "hovermode": "closest",
            "hoverlabel": {"namelength": -1},
            "shapes": [],
            "images": [],
            **layout,
        }

    def scatter(self, **trace: object) -> None:
        """Add points or a line."""
        self.data.append({"type": "scatter", **trace})

    def bars(self, **trace: object) -> None:
        """Add bars."""
        self.data.append({"type": "bar", **trace})

    def shape(self, name: str, **shape: object) -> None:
        """Add a line or a rectangle; the page colours it by its name: seam, over, rule, band."""
        self.layout["shapes"].append({"name": name, **shape})

    def axis(self, axis: str, title: str = "", **settings: object) -> None:
        """Set up ``xaxis``, ``yaxis``, ``xaxis2`` ...; ``title`` is text, with the unit."""
        label = {"title": {"text": html.escape(title), "standoff": 8}} if title else {}
        self.layout[axis] = {"automargin": True, **self.layout.get(axis, {}), **label, **settings}

    def system_rows(self, systems: list[str]) -> None:
        """Give the figure one row a system, the first on top, with nothing to zoom into."""
        self.axis(
            "yaxis",
            type="category",
            categoryorder="array",
            categoryarray=[html.escape(system) for system in systems[::-1]],
            tickmode="array",
            tickvals=[html.escape(system) for system in systems[::-1]],
            ticktext=[html.escape(short(system)) for system in systems[::-1]],
            range=[-0.6, len(systems) - 0.4],
            fixedrange=True,
        )

    def legend_below(self) -> None:
        """Show a horizontal legend under the plot, which stays readable on a narrow page."""
        legend = {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom"}
        self.layout.update(showlegend=True, legend=legend)

    def content(self) -> dict:
        """The figure as JSON-able data."""
        return {"data": self.data, "layout": self.layout}


def short(name: str, most: int = LONGEST_NAME) -> str:
    """A name without its middle where it is long: systems of one family begin alike, those of one run end alike."""
    if len(name) <= most:
        return name
    head = (most - 1) // 2
    return f"{name[:head]}\u2026{name[len(name) - (most - 1 - head) :]}"


def paint(appearance: Appearance | None = None, *, role: str = "system", alpha: float = 1.0) -> dict:
    """A trace's ``meta``: role ``system`` (with its appearance), ``reference`` or ``seam``."""
    return {"role": role, "slot": appearance.slot if appearance else None, "alpha": alpha}


def whiskers(mean: float, low: float, high: float, shown: bool) -> dict:
    """Asymmetric error bars of one point."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - mean if shown else 0],
        "arrayminus": [mean - low if shown else 0],
        "visible": shown,
        "thickness": 2,
        "width": 5,
    }


def to_json(content: object) -> str:
    """JSON of figures, alone or nested, that may stand inside a ``<script>`` element: no ``<`` can end it."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=Figure.content)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
