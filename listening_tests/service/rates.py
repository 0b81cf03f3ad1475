"""How often anybody may ask."""

from __future__ import annotations

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from .settings import Settings


class TooMany(Exception):
    """More requests than are allowed; try again in a while."""


class Rates:
    """Counts by what is done and by whom. Safe between threads."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        speed = max(1.0, settings.speed)
        self._allowed = {
            "answer": RateLimitItemPerMinute(int(settings.answers_per_minute * speed)),
            "request": RateLimitItemPerMinute(int(settings.requests_per_minute * speed)),
            "start": RateLimitItemPerMinute(int(settings.starts_per_minute * speed)),
            "login": RateLimitItemPerMinute(settings.logins_per_minute),
            "logins": RateLimitItemPerMinute(10 * settings.logins_per_minute),
        }
        self._allowed |= {what: RateLimitItemPerMinute(count) for what, count in settings.more_per_minute}

    def count(self, what: str, who: str) -> None:
        """Note one more.

        Args:
            what: ``answer``, ``request``, ``start``, ``login``, ``logins``, or a name of ``Settings.more_per_minute``.
            who: a session id or an address.

        Raises:
            TooMany: that is more than allowed.
        """
        if not self._limiter.hit(self._allowed[what], what, who):
            raise TooMany(what)
