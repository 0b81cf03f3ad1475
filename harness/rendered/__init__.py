"""Audio rendered anywhere: folders of files matched with a reference's, read by one policy, taken into a run."""

from __future__ import annotations

from .errors import RenderedError
from .importing import Imported, description, import_rendered
from .naming import file_key, utterance_id
from .reading import policy

__all__ = ["Imported", "RenderedError", "description", "file_key", "import_rendered", "policy", "utterance_id"]
