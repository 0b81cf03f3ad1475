"""What people are told when something is wrong."""

from __future__ import annotations

import gradio
import pytest

from application.messages import told
from streamflow.errors import StreamflowError


def test_what_a_person_typed_is_shown_as_it_was_typed_and_not_as_html() -> None:
    @told
    def fail() -> None:
        raise StreamflowError("name '<b>x</b>': use letters & digits")

    with pytest.raises(gradio.Error) as raised:
        fail()
    assert raised.value.message == "name '&lt;b&gt;x&lt;/b&gt;': use letters &amp; digits"
