"""The listener's endpoints."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from ..design.session_plan import plan_session
from ..opening import OpenStudy
from ..page.texts import texts
from ..store import SessionRow
from ..study import LANGUAGES
from .admission import admit
from .answering import take_answer
from .directory import Directory, Place
from .presenting import Presenter
from .ranges import sound_response
from .rates import Rates
from .sounds import Windows, render_sound

COOKIE = "listener"  # HttpOnly; opens sounds and nothing else
MAX_TOKEN = 200
MAX_DIGITS = 18  # of an integer in a request, so that it fits into any database's
MAX_DEPTH = 20  # lists and objects within each other; the page's log has 4


async def json_body(request: Request) -> dict[str, Any]:
    """The request's JSON object; what no page sends is refused here, once for all: NaN, Infinity and other inventions of
    Python's parser, numbers that no float holds, and nesting that a later reader could not follow.
    """
    try:
        text = await request.body()
        content = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_short)
    except (ValueError, RecursionError):
        raise HTTPException(400) from None
    if not isinstance(content, dict) or _is_deep(content):
        raise HTTPException(400)
    return content


Body = Annotated[dict[str, Any], Depends(json_body)]
Authorization = Annotated[str | None, Header()]


class Api:
    """Handlers. They are plain functions, so each runs in a thread of its own and may wait for the disk.

    Args:
        directory: the studies.
        rates: limits.
        clock: seconds since 1970.
    """

    def __init__(self, directory: Directory, rates: Rates, clock: Callable[[], float]) -> None:
        self.directory, self.rates, self.clock = directory, rates, clock
        self.presenter = Presenter(Windows(), clock)
        self._minutes: dict[str, int] = {}

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter()
        router.get("/api/studies/{token}")(self.study)
        router.post("/api/sessions")(self.start)
        router.get("/api/step")(self.step)
        router.post("/api/answers")(self.answer)
        router.post("/api/withdraw")(self.withdraw)
        router.api_route("/a/{token}", methods=["GET", "HEAD"])(self.sound)
        router.get("/s/{token}")(self.enter)
        router.get("/assets/texts.json")(self.texts)
        return router

    def study(self, token: str) -> dict[str, Any]:
        """What the welcome screen shows."""
        opened = self._study(token)
        return {
            "title": opened.study.title,
            "languages": list(opened.study.languages),
            "state": opened.state,
            "needs_invitation": opened.study.access.invitation,
            "minutes": self._minutes_of(opened),
        }

    def start(self, request: Request, body: Body) -> Response:
        """Begin a session or find it again."""
        self.rates.count("start", address_of(request))
        token = body.get("study")
        opened = self._study(token if isinstance(token, str) else "")
        token, resumed = admit(opened, body, self._old_session(opened, body.get("session")), self.clock())
        response = JSONResponse({"session": token, "resumed": resumed})
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=secure, path="/a")
        return response

    def step(self, authorization: Authorization = None) -> dict[str, Any]:
        """The step to be answered, or how the session ended."""
        token, place = self._session(authorization)
        return self._present(token, place)

    def answer(self, body: Body, authorization: Authorization = None) -> dict[str, Any]:
        """Keep an answer, and only then say so; with the next step."""
        token, place = self._session(authorization)
        self.rates.count("answer", place.session_id)
        recorded = take_answer(place.opened, place.session_id, body, self.presenter.lengths, self.clock())
        return {"saved": True, "first": recorded.first, "next": self._present(token, place)}

    def withdraw(self, body: Body, authorization: Authorization = None) -> dict[str, Any]:
        """The listener stops, with or without what was answered."""
        _, (opened, session_id, _) = self._session(authorization)
        delete = body.get("delete_ratings") is True
        opened.store.withdraw(session_id, delete=delete, now=self.clock())
        self.presenter.windows.close(session_id)
        return {"withdrawn": True, "deleted": delete}

    def sound(self, request: Request, token: str, authorization: Authorization = None) -> Response:
        """A sound of the present step or the next."""
        given = authorization or f"Bearer {request.cookies.get(COOKIE, '')}"
        _, (opened, session_id, _) = self._session(given)
        sound = self.presenter.find_sound(opened, session_id, token)
        if sound is None:
            raise HTTPException(404)
        content = render_sound(opened, sound)
        return sound_response(content, sound, request.headers.get("range"), request.headers.get("if-range"))

    def enter(self, request: Request, token: str) -> Response:
        """The listeners' link: on to the page, keeping what Prolific or MTurk added."""
        opened = self._study(token)
        query = request.url.query
        target = f"../listen/?study={opened.token}" + (f"&{query}" if query else "")
        return RedirectResponse(target, 303, {"Cache-Control": "no-store"})

    def texts(self, lang: str = LANGUAGES[0]) -> dict[str, str]:
        """Every text of the page in a language."""
        if lang not in LANGUAGES:
            raise HTTPException(404)
        return texts(lang)

    def _study(self, token: str) -> OpenStudy:
        opened = self.directory.by_token(token)
        if opened is None:
            raise HTTPException(404)
        return opened

    def _session(self, authorization: str | None) -> tuple[str, Place]:
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        found = None
        if scheme.lower() == "bearer" and 0 < len(token) <= MAX_TOKEN:
            found = self.directory.by_session(token)
        if found is None:
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
        self.rates.count("request", found.session_id)
        return token, found

    def _old_session(self, opened: OpenStudy, token: Any) -> tuple[str, SessionRow] | None:
        if not isinstance(token, str) or not 0 < len(token) <= MAX_TOKEN:
            return None
        session = opened.store.session(token)
        return None if session is None else (token, session)

    def _present(self, token: str, place: Place) -> dict[str, Any]:
        shown = self.presenter.present(place.opened, place.session_id, lambda: place.opened.store.session(token))
        return {**shown, "language": place.language}

    def _minutes_of(self, opened: OpenStudy) -> int:
        if opened.identity not in self._minutes:
            plan = plan_session(opened.study, opened.stimuli, 0, "minutes")
            self._minutes[opened.identity] = max(1, round(sum(step.seconds for step in plan) / 60))
        return self._minutes[opened.identity]


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else "unknown"


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):  # 1e999
        raise ValueError(text)
    return number


def _short(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("an integer that is longer than any time or rating")
    return int(text)


def _is_deep(content: Any) -> bool:
    """Whether anything lies below MAX_DEPTH lists and objects; level by level, so that depth costs no stack."""
    level = [content]
    for _ in range(MAX_DEPTH):
        inner = [one.values() if isinstance(one, dict) else one for one in level]
        level = [value for values in inner for value in values if isinstance(value, dict | list)]
        if not level:
            return False
    return True
