"""What runs in the background, for the pages' own scripts: list, log, cancel."""

from __future__ import annotations

import time
from typing import Any

from fastapi import FastAPI
from starlette.responses import JSONResponse, PlainTextResponse, Response

from harness.jobs import Job, JobError

from ..site import Site

PREFIX = "/jobs"
OVER_SHOWN = 5
FRESH = {"Cache-Control": "no-store"}


def add_jobs_routes(app: FastAPI, site: Site) -> None:
    """Add ``GET /jobs``, ``GET /jobs/ID/log`` and ``POST /jobs/ID/cancel``; they are the administrator's."""

    def listed() -> Response:
        jobs = site.jobs.list()
        active = sorted((job for job in reversed(jobs) if not job.is_over), key=lambda job: job.state == "queued")
        over = [job for job in jobs if job.is_over][:OVER_SHOWN]
        return JSONResponse(
            {"active": [shown(job) for job in active], "over": [shown(job) for job in over]}, headers=FRESH
        )

    def log(job: str) -> Response:
        try:
            return PlainTextResponse(site.jobs.log(job), headers=FRESH)
        except JobError as error:
            return JSONResponse({"error": str(error)}, 404)

    def cancel(job: str) -> Response:
        try:
            site.jobs.cancel(job)
            return JSONResponse(shown(site.jobs.get(job)), headers=FRESH)
        except JobError as error:
            return JSONResponse({"error": str(error)}, 404)

    app.add_api_route(PREFIX, listed, methods=["GET"], response_model=None)
    app.add_api_route(PREFIX + "/{job}/log", log, methods=["GET"], response_model=None)
    app.add_api_route(PREFIX + "/{job}/cancel", cancel, methods=["POST"], response_model=None)


def shown(job: Job) -> dict[str, Any]:
    """What a page shows of a job; ``href`` leads to what it made, relative to the application's pages."""
    end = job.ended or time.time()
    return {
        "id": job.id,
        "title": job.title,
        "state": job.state,
        "stage": job.stage,
        "detail": job.detail,
        "done": job.done,
        "total": job.total,
        "remaining_s": job.remaining_s,
        "elapsed_s": None if job.started is None else max(0.0, end - job.started),
        "ended": job.ended,
        "line": job.line,
        "href": job.facts.get("href") if job.state == "done" else None,
        "kind": job.facts.get("kind", ""),
    }
