"""A report that somebody else made, shown inside the application in a real browser: it runs, and reaches nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from application.compose import make_app
from application.routes.files import files_link
from application.site import Site
from harness.storage import encode_flac
from listening_tests.service.auth import Administration
from listening_tests.workspace import Workspace
from tests.ports import free_port
from tests.slowness import PATIENCE_MS

from .conftest import START_S, speech

pytestmark = pytest.mark.slow
PASSWORD = "a long password"
HOSTILE = """<!doctype html><title>A report</title><h1>A report</h1><img id="picture" src="picture.svg">
<audio id="sound" src="sound.flac" preload="auto"></audio><p id="said"></p><script>
const said = {};
const attempt = async (name, action) => {
  try { said[name] = String(await action()); } catch (error) { said[name] = error.name; }
};
const once = (node, good) => new Promise((done) => { node.addEventListener(good, () => done("yes"), { once: true });
  node.addEventListener("error", () => done("no"), { once: true }); });
(async () => {
  await attempt("picture", () => picture.complete && picture.naturalWidth ? "yes" : once(picture, "load"));
  await attempt("sound", () => sound.readyState ? "yes" : once(sound, "loadedmetadata"));
  await attempt("origin", () => origin);
  await attempt("parent", () => parent.document.title);
  await attempt("cookie", () => document.cookie);
  await attempt("storage", () => localStorage.length);
  await attempt("fetch", async () => (await fetch("/app/config", { credentials: "include" })).status);
  await attempt("post", async () => (await fetch("/live/jobs", { method: "POST", credentials: "include", body: "{}" })).status);
  await attempt("opaque", async () => (await fetch("/app/config", { mode: "no-cors", credentials: "include" })).status);
  await attempt("own", async () => (await fetch("index.html")).status);
  await attempt("elsewhere", async () => (await fetch("http://127.0.0.1:1/")).status);
  await attempt("top", () => { if (top !== self) top.location = "/logout"; return "moved"; });
  await attempt("worker", () => new Worker("/assets/listener.js") && "works");
  await attempt("popup", () => window.open("/app/") === null ? "none" : "opened");
  const frame = document.createElement("iframe"); frame.src = "/app/"; // an empty page of this one's own, until it is refused
  const refused = new Promise((done) => frame.addEventListener("load", done));
  document.body.append(frame);
  await refused;
  await attempt("frame", () => frame.contentDocument ? "read" : "closed");
  document.getElementById("said").textContent = JSON.stringify(said);
})();
</script>"""


PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'


class Server:
    """The application on a port of its own, in a thread of this process."""

    def __init__(self, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        workspace = Workspace(folder / "studies", runs=folder / "runs")
        self.site = Site(workspace=workspace, address=self.url, baselines=folder / "baselines")
        app = make_app(self.site, Administration(PASSWORD))
        config = uvicorn.Config(
            app, port=int(self.url.rpartition(":")[2]), log_level="critical", timeout_graceful_shutdown=1
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        deadline = time.monotonic() + START_S
        while not self.server.started and time.monotonic() < deadline:
            time.sleep(0.05)
        assert self.server.started

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join(30)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("framed")
    report = folder / "runs" / "theirs" / "report"
    report.mkdir(parents=True)
    (report / "index.html").write_text(HOSTILE)
    (report / "picture.svg").write_text(PICTURE)
    (report / "sound.flac").write_bytes(encode_flac(speech()["flite_awb_1"]))
    server = Server(folder)
    yield server
    server.close()


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Any]:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{server.url}/login")
    page.fill("[name=secret]", PASSWORD)
    page.click("button")
    page.wait_for_url("**/app/")
    yield page
    context.close()


def framed(page: Any, link: str) -> Any:
    """The frame in which the page shows an address, as the pages of runs and studies do."""
    page.evaluate(
        "link => { const frame = document.createElement('iframe'); frame.src = link; frame.name = 'report';"
        " document.body.append(frame); }",
        link,
    )
    return page.wait_for_selector("iframe[name=report]").content_frame()


def test_a_hostile_report_runs_and_reaches_nothing(page: Any, server: Server) -> None:
    frame = framed(page, files_link(server.site, server.site.runs / "theirs" / "report"))
    frame.wait_for_selector("#said:not(:empty)")
    said = frame.evaluate("JSON.parse(document.getElementById('said').textContent)")
    assert (said["picture"], said["sound"]) == ("yes", "yes")  # what lies beside it is shown and heard
    assert said["origin"] == "null"
    refused = {"parent": "SecurityError", "cookie": "SecurityError", "storage": "SecurityError", "fetch": "TypeError",
               "post": "TypeError", "opaque": "TypeError", "own": "TypeError", "elsewhere": "TypeError",
               "popup": "none", "frame": "closed"}  # fmt: skip
    assert {name: said[name] for name in refused} == refused
    assert said["worker"] != "works"
    assert page.url.endswith("/app/")  # not led away
    assert page.evaluate("fetch('/app/config').then((answer) => answer.status)") == 200  # and still logged in


def test_a_report_opens_in_a_tab_of_its_own_and_is_as_powerless_there(page: Any, server: Server) -> None:
    page.goto(server.url + files_link(server.site, server.site.runs / "theirs" / "report"))
    page.wait_for_selector("#said:not(:empty)")  # the page's policy lets nobody evaluate strings
    assert page.inner_text("h1") == "A report"
    assert page.evaluate("origin") == "null"
    page.evaluate("() => { location.href = '/logout'; }")
    page.wait_for_url("**/login")
    page.goto(f"{server.url}/app/help")
    assert page.url.endswith("/app/help")  # a report logs nobody out


def test_a_link_on_another_site_leads_to_the_page_and_not_to_the_door(page: Any, server: Server) -> None:
    elsewhere = server.url.replace("127.0.0.1", "localhost")  # another site to a browser
    page.goto(f"{elsewhere}/login")
    page.evaluate("address => { location.href = address; }", f"{server.url}/app/help")
    page.wait_for_url(f"{server.url}/app/help")
    page.wait_for_function("document.querySelector('.gradio-container, main, h1') && document.title !== 'Opening'")
    assert "/login" not in page.url and page.title() != "Opening"


def test_who_is_not_logged_in_comes_by_the_door_to_the_page(browser: Any, server: Server) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{server.url}/app/runs?new=1&system=full")
    assert page.url.startswith(f"{server.url}/login?next=")
    page.fill("[name=secret]", "a wrong password")
    page.click("button")
    page.wait_for_selector("[role=alert]:not(:empty)")
    page.fill("[name=secret]", PASSWORD)
    page.click("button")
    page.wait_for_url("**/app/runs?new=1&system=full*")
    context.close()
