"""Errors that are meant for people, shown on the page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from html import escape
from typing import Any

import gradio

from streamflow.errors import StreamflowError

BACKGROUND = (
    "It runs in the background and shares the processor with live decodes: decoding live meanwhile makes it slower, and "
    "latencies that it measures longer."
)
"""Said wherever a job is started that decodes or scores."""


def told(function: Callable[..., Any]) -> Callable[..., Any]:
    """Turn a StreamflowError into Gradio's message, without a traceback in the log; Gradio shows messages as HTML."""

    @wraps(function)
    def carry_out(*args: Any) -> Any:
        try:
            return function(*args)
        except StreamflowError as error:
            raise gradio.Error(escape(str(error), quote=False), duration=None, print_exception=False) from None

    return carry_out
