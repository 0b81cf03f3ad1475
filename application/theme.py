"""How Gradio's own parts look: its theme, made of the tokens that everything else is made of (reports/static/visual.css).

The tokens know light and dark themselves, so the theme says everything once and has no dark values of its own.
What a theme cannot say is in static/shell/gradio.css.
"""

from __future__ import annotations

import gradio
from gradio.themes.utils import colors, fonts

from reports.visual import tokens

BLUE = "#eef5fd #d9e8fa #b3d0f4 #84b3ec #4f8fdd #0d5cbc #0d5cbc #0a4a98 #083a78 #062b59 #041d3c"
GREY = "#f7f8f9 #eceff2 #d8dde2 #b9c1c8 #848c94 #57606a #4a525a #343a40 #262b30 #1c2024 #15181b"

SAID = {
    "body_background_fill": "page", "body_text_color": "ink", "body_text_color_subdued": "quiet",
    "background_fill_primary": "page", "background_fill_secondary": "raised",
    "border_color_primary": "rule", "border_color_accent": "accent", "border_color_accent_subdued": "rule",
    "color_accent": "accent", "color_accent_soft": "tint", "link_text_color": "accent",
    "link_text_color_active": "accent", "link_text_color_visited": "accent", "link_text_color_hover": "accent-strong",
    "code_background_fill": "raised", "loader_color": "accent", "accordion_text_color": "ink",
    "block_background_fill": "page", "block_border_color": "rule", "block_info_text_color": "quiet",
    "block_label_background_fill": "page", "block_label_border_color": "rule", "block_label_text_color": "quiet",
    "block_title_text_color": "ink", "panel_background_fill": "raised", "panel_border_color": "rule",
    "input_background_fill": "page", "input_background_fill_hover": "page", "input_background_fill_focus": "page",
    "input_border_color": "edge", "input_border_color_hover": "ink", "input_border_color_focus": "accent",
    "input_placeholder_color": "quiet", "slider_color": "accent", "stat_background_fill": "accent",
    "checkbox_background_color": "page", "checkbox_background_color_hover": "page",
    "checkbox_background_color_focus": "page", "checkbox_background_color_selected": "accent",
    "checkbox_border_color": "edge", "checkbox_border_color_hover": "accent", "checkbox_border_color_focus": "accent",
    "checkbox_border_color_selected": "accent", "checkbox_label_background_fill": "page",
    "checkbox_label_background_fill_hover": "raised", "checkbox_label_background_fill_selected": "tint",
    "checkbox_label_border_color": "edge", "checkbox_label_border_color_hover": "accent",
    "checkbox_label_border_color_selected": "accent", "checkbox_label_text_color": "ink",
    "checkbox_label_text_color_selected": "ink",
    "button_primary_background_fill": "accent", "button_primary_background_fill_hover": "accent-strong",
    "button_primary_border_color": "accent", "button_primary_border_color_hover": "accent-strong",
    "button_primary_text_color": "accent-ink", "button_primary_text_color_hover": "accent-ink",
    "button_secondary_background_fill": "page", "button_secondary_background_fill_hover": "raised",
    "button_secondary_border_color": "edge", "button_secondary_border_color_hover": "ink",
    "button_secondary_text_color": "ink", "button_secondary_text_color_hover": "ink",
    "button_cancel_background_fill": "page", "button_cancel_background_fill_hover": "bad-tint",
    "button_cancel_border_color": "bad", "button_cancel_border_color_hover": "bad",
    "button_cancel_text_color": "bad", "button_cancel_text_color_hover": "bad",
    "error_background_fill": "bad-tint", "error_border_color": "bad", "error_icon_color": "bad",
    "error_text_color": "bad", "table_border_color": "rule", "table_even_background_fill": "page",
    "table_odd_background_fill": "page", "table_row_focus": "tint", "table_text_color": "ink",
}  # fmt: skip
"""Gradio's word for a colour, and the token that it is."""

SHAPES = {
    "input_border_width": "1px", "button_border_width": "1px", "block_border_width": "0px", "block_padding": "0px",
    "block_shadow": "none", "block_title_text_weight": "550", "block_title_text_size": "var(--size-2)",
    "block_info_text_size": "var(--size-1)", "block_label_text_size": "var(--size-2)",
    "block_radius": "var(--corner)", "input_radius": "var(--corner)", "button_large_radius": "var(--corner)",
    "button_medium_radius": "var(--corner)", "button_small_radius": "var(--corner)", "container_radius": "var(--corner)",
    "table_radius": "var(--corner)", "checkbox_border_width": "1px", "checkbox_label_border_width": "1px",
    "input_padding": "10px 12px", "button_large_text_weight": "550", "button_medium_text_weight": "550",
    "button_small_text_weight": "550", "button_large_text_size": "var(--size-3)",
    "button_medium_text_size": "var(--size-3)", "button_small_text_size": "var(--size-2)",
    "body_text_size": "var(--size-3)", "prose_text_size": "var(--size-3)", "prose_header_text_weight": "650",
    "section_header_text_size": "var(--size-3)", "section_header_text_weight": "550", "layout_gap": "16px",
    "form_gap_width": "0px", "button_transition": "background-color .12s, border-color .12s, color .12s",
}  # fmt: skip


def make_theme() -> gradio.themes.Base:
    """The theme for ``mount_gradio_app``; its fonts are those of the device, so that none is fetched."""
    theme = gradio.themes.Base(
        primary_hue=colors.Color(*BLUE.split(), name="accent"),
        secondary_hue=colors.Color(*BLUE.split(), name="accent"),
        neutral_hue=colors.Color(*GREY.split(), name="grey"),
        font=[fonts.Font(name) for name in _families("text")],
        font_mono=[fonts.Font(name) for name in _families("mono")],
    )
    theme.set(**{word: f"var(--{token})" for word, token in SAID.items()}, **SHAPES)
    for name in [name for name in vars(theme) if name.endswith("_dark")]:
        delattr(theme, name)
    return theme


def _families(token: str) -> list[str]:
    return [name.strip().strip('"') for name in tokens()[token][0].split(",")]
