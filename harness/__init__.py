"""Decode the same speech tokens with several systems, measure them, and keep everything in a run on disk.

The way through the package: ``corpus`` (what to decode) and ``systems`` (by what) make an ``experiment``; ``compare``
carries it out with ``inputs``, ``render`` and ``scoring``; ``run`` is what lies on disk afterwards.
"""
