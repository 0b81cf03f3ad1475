"""Random names, and hashes of what must not be kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets


def new_token() -> str:
    """256 random bits, URL-safe: whoever has it is the listener."""
    return secrets.token_urlsafe(32)


def new_id() -> str:
    """96 random bits as hex: opaque, not a secret."""
    return secrets.token_hex(12)


def hash_of_token(token: str) -> str:
    """What is kept of a token. A plain hash is enough for 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def hash_of_key(secret: bytes, resume_key: str) -> str:
    """Keyed, since Prolific and MTurk identifiers could be tried one by one otherwise."""
    return hmac.new(secret, b"resume|" + resume_key.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
