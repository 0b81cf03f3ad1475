"""The administration's door: a password, or a token that is printed when the server starts and works once."""

from __future__ import annotations

import hmac
import html
import ipaddress
import secrets
import threading
from collections.abc import Callable

from fastapi import FastAPI, Request
from itsdangerous import BadSignature, TimestampSigner
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ..errors import StudyError
from .api import address_of
from .rates import Rates

COOKIE = "administrator"
NAME = "administrator"
VALID_S = 12 * 3600
MIN_PASSWORD = 12  # characters, where others can reach the door

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Administration</title><style>body{{font:16px system-ui,sans-serif;max-width:24rem;margin:15vh auto;padding:0 1rem}}
input,button{{font:inherit;padding:.5rem;width:100%;box-sizing:border-box;margin:.4rem 0}}</style>
<h1>Administration</h1><form method="post"><input type="hidden" name="next" value="{next}">
<label>{label}<input name="secret" type="password" autocomplete="current-password"
required autofocus value="{value}"></label><button>Enter</button></form><p role="alert">{message}</p></html>"""


class Administration:
    """Who may administer. Safe between threads.

    Args:
        password: None for a one-time token.
        valid_s: how long a cookie is good for.

    Attributes:
        token: to be printed at start, None where there is a password.
    """

    def __init__(self, password: str | None = None, *, valid_s: int = VALID_S) -> None:
        self._password = password
        self.token = None if password else secrets.token_urlsafe(24)
        # New with every start: cookies of an earlier one, perhaps with another password, are worth nothing.
        self._signer = TimestampSigner(secrets.token_bytes(32), salt="administration")
        self._valid_s = valid_s
        self._lock = threading.Lock()

    def enter(self, secret: str) -> str | None:
        """The cookie's value for the right password, or for the token the first time; None otherwise."""
        with self._lock:
            expected = self._password or self.token
            if expected is None or not hmac.compare_digest(secret.encode(), expected.encode()):
                return None
            if not self._password:
                self.token = None
        return self._signer.sign(NAME).decode()

    @property
    def by_token(self) -> bool:
        """Whether a token opens, not a password; also once it was used."""
        return not self._password

    @property
    def refusal(self) -> str:
        """What to say to somebody whose secret is not right."""
        if self._password:
            return "That is not the password; try again."
        return "That is not right, or was used. Start the server again for a new token."

    def require_administrator(self, request: Request) -> str | None:
        """For Gradio's ``auth_dependency``: the administrator's name, or None for anybody else."""
        try:
            return self._signer.unsign(request.cookies.get(COOKIE, ""), max_age=self._valid_s).decode()
        except BadSignature:
            return None


def plain_page(label: str, value: str, message: str, target: str) -> str:
    """The form, of what it asks for, what is filled in already, what was wrong, and where to go afterwards."""
    said = {"label": label, "value": value, "message": message, "next": target}
    return PAGE.format(**{name: html.escape(text, quote=True) for name, text in said.items()})


def add_login(
    app: FastAPI,
    administration: Administration,
    *,
    target: str = "/administration/",
    page: Callable[[str, str, str, str], str] = plain_page,
) -> None:
    """Serve ``/login`` (a form; ``?token=`` fills it in) and ``/logout``.

    The token is used up by sending the form, not by opening the link, as mail programs and terminals open links too.

    Args:
        target: where to go after logging in, if ``?next=`` names no path below it.
        page: draws the form; see ``plain_page``.
    """
    rates: Rates = app.state.rates

    def show(message: str = "", value: str = "", wanted: str = "", status: int = 200) -> Response:
        asked = "One-time token" if administration.by_token else "Password"
        return HTMLResponse(page(asked, value, message, safe_target(wanted, target)), status)

    def form(request: Request) -> Response:
        return show(value=request.query_params.get("token", ""), wanted=request.query_params.get("next", ""))

    async def enter(request: Request) -> Response:
        rates.count("login", address_of(request))
        rates.count("logins", "")  # of all together: whoever reaches this machine may claim to be a proxy for others
        fields = await request.form()
        given, wanted = (str(fields.get(name, "")) for name in ("secret", "next"))
        cookie = await run_in_threadpool(administration.enter, given)
        if cookie is None:
            return show(administration.refusal, wanted=wanted, status=403)
        response = RedirectResponse(safe_target(wanted, target), 303)
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, cookie, max_age=VALID_S, httponly=True, samesite="strict", secure=secure)
        return response

    def leave(request: Request) -> Response:
        response = RedirectResponse("/login", 303)
        if request.headers.get("sec-fetch-site", "none") in ("same-origin", "none"):  # no other page logs anybody out
            response.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return response

    routes: list[tuple[str, str, Callable[..., object]]] = [
        ("GET", "/login", form), ("POST", "/login", enter), ("GET", "/logout", leave)
    ]  # fmt: skip
    for method, path, handler in routes:
        app.add_api_route(path, handler, methods=[method], response_model=None)


def safe_target(wanted: str, target: str) -> str:
    """Where to go after logging in: what was wanted, where that is a page below the target, or else the target.

    Anything that a browser could take for another site's address is refused: ``//host``, ``/\\host``, ``https:``, and those
    with characters that it drops.
    """
    path = wanted.partition("?")[0]
    plain = wanted.isascii() and wanted.isprintable() and "\\" not in wanted and " " not in wanted
    below = path.startswith(target) and ".." not in path.split("/") and "//" not in path and "%" not in path
    return wanted if plain and below else target


def check_bind(host: str, password: str | None) -> None:
    """Refuse to listen where others can reach the administration without a password.

    Raises:
        StudyError: not a loopback address, and no password or a short one.
    """
    if is_loopback(host):
        return
    if not password:
        raise StudyError(f"--host {host} lets others reach this; give a password too, or leave --host out")
    if len(password) < MIN_PASSWORD:
        raise StudyError(f"--host {host} needs a password of at least {MIN_PASSWORD} characters; give a longer one")


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
