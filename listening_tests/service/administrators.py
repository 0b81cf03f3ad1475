"""Who may administer: whoever has the one-time link printed at start, or the password. A signed cookie afterwards."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
from collections.abc import Callable
from html import escape

from fastapi import FastAPI, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from itsdangerous import BadSignature, URLSafeTimedSerializer
from limits import RateLimitItemPerMinute, storage, strategies

from ..errors import StudyError

COOKIE = "administrator"
SESSION_S = 12 * 3600
TRIES_A_MINUTE = 10


class Gate:
    """Lets administrators in.

    Args:
        password: None for a one-time token, which :attr:`token` holds until it is used.
        secure: whether the pages are served over TLS (the cookie then only travels so).
    """

    def __init__(self, password: str | None, *, secure: bool = False) -> None:
        self._password, self._secure = password, secure
        self.token = None if password else secrets.token_urlsafe(24)
        # a new key at every start: cookies of an earlier start are worth nothing
        self._signer = URLSafeTimedSerializer(secrets.token_bytes(32), salt="administrator")
        self._tries = strategies.MovingWindowRateLimiter(storage.MemoryStorage())

    def require(self, request: Request) -> str | None:
        """The administrator's name, or None: Gradio's ``auth_dependency``."""
        cookie = request.cookies.get(COOKIE)
        try:
            return str(self._signer.loads(cookie, max_age=SESSION_S)) if cookie else None
        except BadSignature:
            return None

    def admits(self, given: str, who: str) -> bool:
        """Whether the password or the one-time token is right; the token is used up by it."""
        if not self._tries.hit(RateLimitItemPerMinute(TRIES_A_MINUTE), who):
            return False
        expected = self._password or self.token
        if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
            return False
        self.token = None
        return True

    def let_in(self, to: str) -> Response:
        """A redirect with the cookie."""
        response = RedirectResponse(to, status_code=303)
        response.set_cookie(
            COOKIE, self._signer.dumps("administrator"), max_age=SESSION_S, httponly=True, samesite="strict", secure=self._secure
        )
        return response


def add_login(app: FastAPI, gate: Gate, pages: str = "/admin/") -> None:
    """Routes ``/login`` (form and one-time link) and ``/logout``, and the way from the pages to them."""

    @app.get("/login")
    def form(request: Request, token: str = "") -> Response:
        who = request.client.host if request.client else ""
        if token and gate.admits(token, who):
            return gate.let_in(pages)
        return HTMLResponse(_form("That link was used already. Start the application again for a new one." if token else ""))

    @app.post("/login")
    def enter(request: Request, password: str = Form(default="", max_length=1000)) -> Response:
        who = request.client.host if request.client else ""
        if gate.admits(password, who):
            return gate.let_in(pages)
        return HTMLResponse(_form("That is not right."), status_code=403)

    @app.post("/logout")
    def leave() -> Response:
        response = RedirectResponse("/login", status_code=303)
        response.delete_cookie(COOKIE)
        return response

    @app.middleware("http")
    async def to_login(request: Request, go_on: Callable) -> Response:  # type: ignore[type-arg]
        path = request.url.path
        if path.rstrip("/") == pages.rstrip("/") and gate.require(request) is None:
            return RedirectResponse("/login", status_code=303)
        return await go_on(request)


def check_bind(host: str, password: str | None) -> None:
    """Refuse to listen on other machines' behalf without a secret.

    Raises:
        StudyError: an address beyond the loopback interface, and no password.
    """
    if password or _is_loopback(host):
        return
    raise StudyError(
        f"--host {host} is reachable from elsewhere; set a password first: STREAMFLOW_PASSWORD=... python app.py --host {host}"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        pass
    try:
        return all(ipaddress.ip_address(found[4][0]).is_loopback for found in socket.getaddrinfo(host, None))
    except OSError:
        return False


def _form(message: str) -> str:
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Administration</title><style>
:root{{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}}
body{{display:grid;place-items:center;min-height:90vh;margin:0 1rem}}form{{display:grid;gap:.75rem;width:min(22rem,100%)}}
input,button{{font:inherit;padding:.6rem .75rem;border-radius:.5rem;border:1px solid color-mix(in srgb,CanvasText 40%,Canvas)}}
button{{background:#0d5cbc;color:#fff;border:0;cursor:pointer}}p{{margin:0;min-height:1.5em}}</style>
<form method="post" action="/login"><h1>Administration</h1><label for="password">Password, or the token printed at start</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
<p role="alert">{escape(message)}</p><button>Enter</button></form></html>"""
