"""Does a decoder that speaks the session protocol keep it? Checks that hold for streaming decoders whatever is inside."""

from .driving import Subject
from .finding import Finding
from .run import CHECKS, check_conformance

__all__ = ["CHECKS", "Finding", "Subject", "check_conformance"]
