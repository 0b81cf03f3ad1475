"""What the service allows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Limits; rates are a minute of real time, and grow with ``speed``.

    Attributes:
        body_limit: bytes that a request may bring.
        larger_bodies: paths, each with those below it, that may be sent more, and how much.
        body_s: seconds within which a body has to be there; a larger one gets a second more for every 128 kB.
        answers_per_minute: of one session.
        requests_per_minute: of one session, sounds included.
        starts_per_minute: of one address; a classroom or a campus may share one.
        logins_per_minute: of one address, at the administration's door.
        more_per_minute: of one address, by the name that a caller of Rates.count gives to what it counts.
        speed: of the clock, for simulated studies alone.
        database: SQLAlchemy URL, for a workspace whose studies are opened here.
    """

    body_limit: int = 256 * 1024
    larger_bodies: tuple[tuple[str, int], ...] = ()
    body_s: float = 30.0
    answers_per_minute: int = 120
    requests_per_minute: int = 900
    starts_per_minute: int = 300
    logins_per_minute: int = 10
    more_per_minute: tuple[tuple[str, int], ...] = ()
    speed: float = 1.0
    database: str | None = None
