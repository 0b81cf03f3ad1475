"""What stops an import as a whole; a single bad file is a row of ``failures.parquet`` instead."""

from __future__ import annotations

from streamflow.errors import StreamflowError


class RenderedError(StreamflowError):
    """Folders, a manifest or a file of seams that cannot be used as given."""
