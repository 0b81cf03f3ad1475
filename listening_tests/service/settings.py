"""What the service allows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Limits; rates are a minute of real time, and grow with ``speed``.

    Attributes:
        body_limit: bytes of a request to ``/api``.
        answers_per_minute: of one session.
        requests_per_minute: of one session, sounds included.
        starts_per_minute: of one address; a classroom or a campus may share one.
        logins_per_minute: of one address, at the administration's door.
        speed: of the clock, for simulated studies alone.
        database: SQLAlchemy URL, for a workspace whose studies are opened here.
    """

    body_limit: int = 256 * 1024
    answers_per_minute: int = 120
    requests_per_minute: int = 900
    starts_per_minute: int = 300
    logins_per_minute: int = 10
    speed: float = 1.0
    database: str | None = None
