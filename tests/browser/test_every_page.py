"""Every page in real Chromium, on a desktop and a phone, light and dark: nothing that axe-core calls serious, nothing
sideways, nothing from elsewhere, nothing wrong in the console, everything reached by keyboard.

STREAMFLOW_SCREENSHOTS=folder keeps a picture of each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from application.pages import PAGES
from listening_tests.creating import create_study
from listening_tests.opening import open_study
from reports.html import write_report
from tests.browser.conftest import SMALL, SYSTEMS, write_run
from tests.browser.serving import STILL, check_narrow, logged_in, serve_app, shoot, violations
from tests.reports.make_run import make_run
from tests.slowness import PATIENCE_MS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SIZES = {
    "desktop": {"viewport": {"width": 1400, "height": 900}},
    "phone": {"viewport": {"width": 400, "height": 850}, "has_touch": True, "is_mobile": True},
}
NAMES = [page.path for page in PAGES]
DRAWN = "html.shell-drawn"
FILLED = {  # a page is drawn first, and filled with what the server says of its address when that has come
    "compare": "() => document.querySelector('.cmp-corpus')?.href.includes('checkpoint=')",
    "runs": "() => window.pageArrived && document.querySelector('.rn-table')",
    "latency": "() => location.search.includes('rate=')",
    "studies": "() => window.studiesCameUp && document.querySelector('#studies')?.innerText.trim()",
}
SCHEMES = ("light", "dark")


@dataclass
class App:
    """``python app.py`` as a process, with a run and an open study."""

    url: str
    inside: dict[str, Any]  # the state of a browser that is logged in
    listen: str


@pytest.fixture(scope="module")
def app(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("app")
    run = write_run(folder / "runs" / "small")
    study = folder / "studies" / "naturalness"
    create_study(study, run=run, changes={**SMALL, "protocol": "acr-naturalness", "systems": list(SYSTEMS)})
    token = open_study(study).token
    with serve_app(folder) as served:
        yield App(served.url, logged_in(browser, served), f"{served.url}/s/{token}")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(make_run(tmp_path_factory.mktemp("reported") / "run"))


@dataclass
class Visit:
    """An opened page, and what went wrong there."""

    page: Any
    problems: list[str]

    def look(self, name: str) -> None:
        shoot(self.page, name)


@pytest.fixture
def visit(browser: Any, app: App) -> Iterator[Any]:
    """``visit(address, size)``: opened in a browser that reaches nothing but this server."""
    contexts = []

    def make(address: str, size: str = "desktop", wait: str = DRAWN, **options: Any) -> Visit:
        context = browser.new_context(
            **{"storage_state": app.inside, "color_scheme": "light", "locale": "en-GB", **SIZES[size], **options}
        )
        contexts.append(context)
        problems: list[str] = []

        def pass_on(route: Any) -> None:
            if route.request.url.startswith((app.url, "data:", "blob:", "file:")):
                route.continue_()
            else:
                problems.append(f"asked for {route.request.url}")
                route.abort()

        context.route("**/*", pass_on)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: problems.append(f"threw {error}"))
        page.on(
            "console", lambda said: problems.append(f"{said.text} {said.location}") if said.type == "error" else None
        )
        page.goto(address if ":" in address else f"{app.url}{address}")
        page.wait_for_selector(wait)
        page.wait_for_function("!document.querySelector('.generating, .pending')")
        if name := next((one for one in FILLED if address.startswith(f"/app/{one}")), None):
            page.wait_for_function(FILLED[name])
        return Visit(page, problems)

    yield make
    for context in contexts:
        context.close()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_accessible_fits_and_stays_at_home(visit: Any, name: str, size: str) -> None:
    seen = visit(f"/app/{name}", size)
    page = seen.page
    assert page.locator("h1").count() == 1
    assert page.get_by_role("main").count() == 1
    assert page.locator("nav a[aria-current=page]").count() == 1
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(f"document.body.classList.contains('dark') === {str(scheme == 'dark').lower()}")
        seen.look(f"{name or 'overview'}-{size}-{scheme}")
        assert violations(page) == [], scheme
        check_narrow(page, scheme)
    if size == "desktop":
        for width in (640, 320, 1920):  # 1280 pixels at 200 % zoom, at 400 %; the widest
            page.set_viewport_size({"width": width, "height": 800})
            check_narrow(page, f"at {width} pixels")
    assert seen.problems == []


CONTROLS = """(function wanted() {
  const seen = (e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && e.getClientRects().length;
  const all = document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, audio[controls]",
  );
  return [...all].filter((e) => {
    if (!seen(e) || e.disabled || e.closest("[inert], [aria-hidden=true]")) return false;
    if (e.getAttribute("role") === "tab") return e.getAttribute("aria-selected") === "true"; // arrows go to the others
    if (e.type === "radio") return e.checked;
    return true;
  });
})"""
NUMBER = f"() => {CONTROLS}().map((e, index) => {{ e.dataset.wanted = index; }}).length"
MISSED = f"""(reached) => {CONTROLS}()  // what a late answer has taken away meanwhile is missed by nobody
  .filter((e) => "wanted" in e.dataset && !reached.includes(e.dataset.wanted)).map((e) => e.outerHTML.slice(0, 160))"""
STEP = "document.activeElement?.dataset?.wanted ?? null"


@pytest.mark.parametrize("name", NAMES)
def test_the_keyboard_reaches_every_control_and_shows_where_it_is(visit: Any, name: str) -> None:
    page = visit(f"/app/{name}").page
    wanted = page.evaluate(NUMBER)
    reached, unmarked = set(), []
    for _ in range(2 * wanted + 20):
        page.keyboard.press("Tab")
        if (index := page.evaluate(STEP)) is not None:
            if index not in reached and not page.evaluate(RING):
                unmarked.append(page.evaluate("document.activeElement.outerHTML.slice(0, 160)"))
            reached.add(index)
        if len(reached) == wanted:
            break
    missed = page.evaluate(MISSED, list(reached))
    assert missed == []
    assert unmarked == []


RING = """() => {
  for (let e = document.activeElement, step = 0; e && step < 4; e = e.parentElement, step += 1) {
    const style = getComputedStyle(e);
    if (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) return true;
    if (style.boxShadow !== "none" || (step && e.matches(":focus-within") && /accent/.test(style.borderColor))) return true;
  }
  return false;
}"""


@pytest.mark.parametrize("name", NAMES)
def test_header_and_skeleton_are_there_before_any_of_gradios_scripts(browser: Any, app: App, name: str) -> None:
    context = browser.new_context(storage_state=app.inside)
    context.route(re.compile(r"/app/(assets|static|theme\.css)"), lambda route: route.abort())
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{app.url}/app/{name}", wait_until="commit")
    page.wait_for_selector(".shell-skeleton-title")
    for one in PAGES:
        page.get_by_role("link", name=one.title, exact=True).wait_for()
    context.close()


@pytest.mark.parametrize("name", NAMES)
def test_the_title_names_the_page_once_it_is_drawn(visit: Any, name: str) -> None:
    title = next(page.title for page in PAGES if page.path == name)
    assert visit(f"/app/{name}").page.title() == f"{title} · StreamFlow Harness"


def test_reload_and_back_come_to_the_same_address(visit: Any) -> None:
    page = visit("/app/compare?utterance=flite_awb_1").page
    page.wait_for_url("**/app/compare?utterance=flite_awb_1&*system=*")  # the page fills in what the link left open
    address = page.url
    page.reload()
    page.wait_for_function(FILLED["compare"])
    assert page.url == address
    page.get_by_role("link", name="Help", exact=True).click()
    page.wait_for_url("**/app/help")
    page.wait_for_selector(DRAWN)
    page.go_back()
    page.wait_for_function(FILLED["compare"])
    assert page.url == address


def test_the_chosen_colours_hold_for_every_page(visit: Any) -> None:
    page = visit("/app/help").page
    page.get_by_label("Colours").select_option("dark")
    page.wait_for_function(STILL)
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.goto(page.url.replace("help", "runs"))
    page.wait_for_selector(DRAWN)
    page.wait_for_function("document.body.classList.contains('dark')")
    page.wait_for_function("(dark) => getComputedStyle(document.body).backgroundColor === dark", arg=dark)
    assert page.get_by_label("Colours").input_value() == "dark"
    page.get_by_label("Colours").select_option("system")
    page.wait_for_function("getComputedStyle(document.body).backgroundColor === 'rgb(255, 255, 255)'")
    assert not page.evaluate("document.body.classList.contains('dark')")


def test_a_phone_opens_and_closes_the_menu(visit: Any) -> None:
    page = visit("/app/", "phone").page
    menu, link = page.get_by_role("button", name="Menu"), page.get_by_role("link", name="Latency", exact=True)
    link.wait_for(state="hidden")
    menu.click()
    link.wait_for()
    assert violations(page) == []
    page.keyboard.press("Escape")
    link.wait_for(state="hidden")
    menu.click()
    link.click()
    page.wait_for_url("**/app/latency")


def test_the_skip_link_leads_past_the_navigation(visit: Any) -> None:
    page = visit("/app/studies").page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("what", ["listener", "login", "missing"])
def test_what_is_outside_the_application_is_accessible_too(visit: Any, app: App, what: str, size: str) -> None:
    address, wait = {
        "listener": (app.listen, "[data-screen]"),
        "login": ("/login", "form"),
        "missing": ("/app/nothing", "h1"),
    }[what]
    who = {} if what == "missing" else {"storage_state": None}
    seen = visit(address, size, wait=wait, **who)
    for scheme in SCHEMES:
        seen.page.emulate_media(color_scheme=scheme)
        seen.look(f"{what}-{size}-{scheme}")
        assert violations(seen.page) == [], scheme
        check_narrow(seen.page, scheme)


@pytest.mark.parametrize("size", SIZES)
def test_a_report_is_accessible_too(visit: Any, report: Path, size: str) -> None:
    seen = visit(report.as_uri(), size, wait="html.scripted h1", storage_state=None)
    for scheme in SCHEMES:
        seen.page.emulate_media(color_scheme=scheme)
        seen.look(f"report-{size}-{scheme}")
        assert violations(seen.page) == [], scheme
        check_narrow(seen.page, scheme)
