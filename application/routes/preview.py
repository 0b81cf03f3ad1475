"""The listener's page of a study that has no listeners: the real page and player, answered by a walk instead of the store."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from listening_tests.errors import AnswerError
from listening_tests.page.texts import texts
from listening_tests.preview import Walk
from listening_tests.service.api import Body
from listening_tests.service.create import STATIC, visual
from listening_tests.service.guards import PAGE_POLICY
from listening_tests.study import LANGUAGES

from ..assets import asset

if TYPE_CHECKING:
    from ..site import Site

PREFIX = "/preview"
HEADERS = {  # shown in a frame of the studies page, and nowhere else
    "Content-Security-Policy": PAGE_POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'"),
    "X-Frame-Options": "SAMEORIGIN",
    "Cache-Control": "no-store",
}
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Preview: {title}</title><link rel="stylesheet" href="../..{style}">
</head><body><header class="preview-bar" aria-label="Preview"><p><strong>Preview.</strong> What a listener sees and hears;
nothing is saved.</p><nav id="places" aria-label="Screens"></nav>
<label><input type="checkbox" id="quick"> Answer without listening</label>
<details id="behind"><summary>What listeners never learn</summary><ul></ul></details></header>
<main><div id="listener"><noscript>This page needs JavaScript to play the sounds.</noscript></div></main>
<script type="module" src="../..{script}"></script></body></html>
"""


def add_preview_routes(app: FastAPI, site: Site) -> None:
    """Serve walks of ``site.previews`` at ``/preview/NAME/``, to administrators alone; 404 for one that is gone."""

    def walk_of(name: str) -> Walk:
        walk = site.previews.get(name)
        if walk is None:
            raise HTTPException(404)
        return walk

    def page(name: str) -> Response:
        walk = site.previews.get(name)
        if walk is None:  # shown in a frame, so it says what to do
            return HTMLResponse("<p>This preview is over; press Preview again.</p>", 404, HEADERS)
        files = {"style": asset("preview/preview.css"), "script": asset("preview/preview.js")}
        return HTMLResponse(PAGE.format(title=html.escape(walk.study.title), **files), headers=HEADERS)

    def study(name: str, token: str) -> dict[str, Any]:
        return walk_of(name).welcome()

    def start(name: str, body: Body) -> dict[str, Any]:
        walk_of(name)
        return {"session": "preview", "resumed": False}

    def step(name: str) -> dict[str, Any]:
        return walk_of(name).present()

    def answer(name: str, body: Body) -> dict[str, Any]:
        return walk_of(name).answer(body)

    def withdraw(name: str, body: Body) -> dict[str, Any]:
        walk_of(name).go(0)
        return {"withdrawn": True, "deleted": body.get("delete_ratings") is True}

    def sound(name: str, token: str) -> Response:
        content = walk_of(name).sound(token)
        if content is None:
            raise HTTPException(404)
        return Response(content, media_type="audio/wav", headers={"Cache-Control": "no-store"})

    def place(name: str) -> dict[str, Any]:
        walk = walk_of(name)
        return {**walk.behind(), "places": walk.places(), "quick": walk.quick}

    def move(name: str, body: Body) -> dict[str, Any]:
        walk = walk_of(name)
        if isinstance(body.get("quick"), bool):
            walk.quick = body["quick"]
        if "position" in body:
            if type(body["position"]) is not int:
                raise AnswerError("a screen is given by its number; choose one of the list")
            walk.go(body["position"])
        return place(name)

    def words(name: str, lang: str = LANGUAGES[0]) -> dict[str, str]:
        if lang not in LANGUAGES:
            raise HTTPException(404)
        return texts(lang)

    here = PREFIX + "/{name}"
    routes = [
        ("GET", "/", page), ("GET", "/api/studies/{token}", study), ("POST", "/api/sessions", start),
        ("GET", "/api/step", step), ("POST", "/api/answers", answer), ("POST", "/api/withdraw", withdraw),
        ("GET", "/api/place", place), ("POST", "/api/place", move), ("GET", "/a/{token}", sound),
        ("GET", "/assets/texts.json", words), ("GET", "/assets/visual.css", visual),
    ]  # fmt: skip
    for method, path, handler in routes:
        app.add_api_route(here + path, handler, methods=[method], response_model=None)
    app.add_api_route(here, lambda name: RedirectResponse(f"{name}/", 303), methods=["GET"], response_model=None)
    app.mount(here + "/assets", StaticFiles(directory=STATIC))
