"""The report in a real Chromium, opened from disk as a reader opens it, with the network unreachable."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reports import write_report
from reports.comparison import Comparison
from tests.slowness import PATIENCE_MS, slowed

playwright = pytest.importorskip("playwright.sync_api", reason="no playwright; install the extra dev")
playwright.expect.set_options(timeout=PATIENCE_MS)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; install Debian's package chromium"),
    pytest.mark.slow,
]
FLAGS = ["--no-sandbox", "--disable-gpu", "--mute-audio", "--autoplay-policy=no-user-gesture-required",
         "--proxy-server=127.0.0.1:9", "--host-resolver-rules=MAP * ~NOTFOUND"]  # fmt: skip
Open = Callable[..., "playwright.Page"]

# Pieces of text that lie over each other, each cut to what the boxes around it let through.
OVERLAPS = """(selector) => {
  const boxes = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const holder = node.parentElement;
    if (!node.textContent.trim() || !holder.closest(selector)) continue;
    if (!holder.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (holder.closest("script, style, audio, select, .print-only, .skip, .infolayer .hoverlayer")) continue;
    const clips = [];
    for (let around = holder; around; around = around.parentElement) {
      const { overflowX, overflowY } = getComputedStyle(around);
      if (overflowX !== "visible" || overflowY !== "visible") clips.push(around.getBoundingClientRect());
    }
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const rect of range.getClientRects()) {
      const cut = clips.reduce((a, b) => ({ left: Math.max(a.left, b.left), right: Math.min(a.right, b.right),
        top: Math.max(a.top, b.top), bottom: Math.min(a.bottom, b.bottom) }), rect);
      if (cut.right - cut.left > 2 && cut.bottom - cut.top > 2) {
        const { left, right, top, bottom } = cut;
        boxes.push({ left, right, top, bottom, text: node.textContent.trim(), node });
      }
    }
  }
  const where = (box) => `${box.node.parentElement.closest("[id], [data-plot]")?.id ?? ""}: `;
  boxes.sort((a, b) => a.top - b.top);
  const found = [];
  boxes.forEach((a, at) => {
    for (let next = at + 1; next < boxes.length && boxes[next].top < a.bottom - 3; next += 1) {
      const b = boxes[next];
      if (a.node !== b.node && Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
          && Math.min(a.bottom, b.bottom) - b.top > 3) found.push(`${where(a)}${a.text} / ${where(b)}${b.text}`);
    }
  });
  const cut = [...document.querySelectorAll("figure.plot")].filter((figure) => figure.checkVisibility()).flatMap((figure) => {
    const frame = figure.getBoundingClientRect();
    return [...figure.querySelectorAll("svg.main-svg text")].filter((text) => {
      const box = text.getBoundingClientRect();
      return box.width > 0 && (box.left < frame.left - 2 || box.right > frame.right + 2 || box.bottom > frame.bottom + 2);
    }).map((text) => `${figure.dataset.plot}: ${text.textContent} is cut off`);
  });
  return { found: [...found, ...cut].slice(0, 10), count: boxes.length };
}"""
DRAW_ALL = """() => { for (const place of document.querySelectorAll("[data-plot]"))
  if (!place.closest("[hidden]") && !("drawn" in place.dataset)) draw(place); }"""


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield slowed(chromium)
        chromium.close()


@pytest.fixture
def opened(browser: playwright.Browser) -> Iterator[Open]:
    """``opened(path, width=1400)``: the page from disk; an error in a script or a refusal of the policy fails the test."""
    contexts, problems = [], []

    def open_page(path: Path, width: int = 1400, **options: object) -> playwright.Page:
        context = browser.new_context(viewport={"width": width, "height": 1000}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


def until(page: playwright.Page, condition: str, where: str = "") -> None:
    """Wait until JavaScript is true; the page's policy forbids the evaluation that playwright's own waiting does."""
    for _ in range(PATIENCE_MS // 100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never came true: {condition} {where}")


def test_it_draws_all_and_asks_for_nothing_but_files_of_the_run(report: Path, run_path: Path, opened: Open) -> None:
    page = opened(report)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(
        "document.querySelectorAll('section').forEach((part) => part.scrollIntoView({ behavior: 'instant' }))"
    )
    shown = page.locator("[data-plot]:visible")
    for place in shown.element_handles():  # each is drawn when it comes near
        place.evaluate(
            """async (place) => { place.scrollIntoView({ behavior: "instant" });
            while (!("drawn" in place.dataset)) await new Promise((done) => setTimeout(done, 20)); }"""
        )
    assert shown.count() > 10 and page.locator("[data-plot]:visible svg.main-svg").count() >= shown.count()
    run = run_path.resolve().as_uri()
    assert all(url.startswith((run, "data:", "blob:")) for url in asked), "something outside the run"
    assert page.title().startswith("some run & <more>"), "a name became markup"
    assert page.evaluate("[...document.querySelectorAll('audio')].every((a) => a.paused)")
    colours = "[...document.querySelectorAll('#metrics .point')].map((p) => p.style.stroke || p.style.fill)"
    assert page.evaluate(f"new Set({colours}).size") >= 5


def test_linked_sound_plays_and_linked_pictures_show_from_disk(report: Path, opened: Open) -> None:
    page = opened(report)
    page.select_option("#explorer-view", "pictures")
    page.locator(".utterance .play").nth(1).click()
    until(page, "[...document.querySelectorAll('audio')].some((a) => a.currentTime > 0.1)")
    until(page, "document.querySelector('.utterance img').naturalWidth > 50")


def test_with_everything_inside_the_page_plays_and_shows_alone(run_path: Path, tmp_path: Path, opened: Open) -> None:
    page = opened(write_report(run_path, tmp_path / "alone.html", embed=True, most_players=2))
    page.select_option("#explorer-view", "pictures")
    page.locator(".utterance .play").nth(2).click()
    until(page, "[...document.querySelectorAll('audio')].some((a) => a.currentTime > 0.1)")
    until(page, "document.querySelector('.utterance img').naturalWidth > 50")


def test_the_page_never_scrolls_sideways(report: Path, opened: Open) -> None:
    page = opened(report)
    page.evaluate(DRAW_ALL)
    for width in (320, 400, 768, 1099, 1100, 1920):
        page.set_viewport_size({"width": width, "height": 1000})
        page.wait_for_timeout(300)  # figures begin to take their new width
        until(page, "document.scrollingElement.scrollWidth <= document.scrollingElement.clientWidth", f"at {width} px")


def test_no_text_lies_over_another_and_none_is_cut_off(report: Path, opened: Open) -> None:
    page = opened(report)
    page.add_style_tag(content=".utterance { content-visibility: visible !important; }")
    page.evaluate(DRAW_ALL)
    for width, view in itertools.product((400, 800, 1400, 1920), ("waves", "pictures")):
        page.set_viewport_size({"width": width, "height": 1000})
        page.select_option("#explorer-view", view)
        for _ in range(100):  # until figures are drawn and have taken their new width
            page.wait_for_timeout(600)
            overlaps = page.evaluate(OVERLAPS, ".page")
            if overlaps["count"] > 300 and not overlaps["found"]:
                break
        assert overlaps["count"] > 300 and overlaps["found"] == [], f"at {width} px"


# Where another sound was when this one's button was pressed, and where this one began.
PRESSED = """(button, other) => {
  const before = other.currentTime;
  button.click();
  return [before, button.closest(".player").querySelector("audio").currentTime];
}"""


def test_systems_share_a_position_and_only_one_sounds(report: Path, opened: Open) -> None:
    page = opened(report)
    rows = page.locator(".utterance").first.locator(".player")
    sounding = "[...document.querySelectorAll('audio')].filter((a) => !a.paused).length"

    page.evaluate(
        "document.querySelectorAll('audio').forEach((audio) => { audio.loop = true; })"
    )  # none ends by itself
    rows.nth(1).locator(".wave").press("PageUp")
    assert rows.nth(2).locator(".wave").get_attribute("aria-valuenow") == "1.00"
    rows.nth(1).locator(".play").click()
    until(page, "[...document.querySelectorAll('audio')].some((a) => a.currentTime > 1.05)")
    # at once: what sounds goes on while somebody asks
    before, after = rows.nth(2).locator(".play").evaluate(PRESSED, rows.nth(1).locator("audio").element_handle())
    assert page.evaluate(sounding) == 1 and after == pytest.approx(before, abs=0.1)
    rows.nth(2).locator(".wave").press("4")
    until(page, "!document.querySelectorAll('.player')[3].querySelector('audio').paused")
    until(
        page, """document.querySelectorAll('.play[aria-pressed="true"]').length === 1"""
    )  # told by an event, after it
    assert page.evaluate(sounding) == 1
    other = page.locator(".utterance").nth(1).locator(".player").first
    _, began = other.locator(".play").evaluate(PRESSED, rows.nth(1).locator("audio").element_handle())
    assert page.evaluate(sounding) == 1 and began < 0.9
    other.locator(".play").press("Space")
    assert page.evaluate(sounding) == 0


def test_what_is_stopped_and_begun_again_at_once_goes_on(report: Path, opened: Open) -> None:
    page = opened(report)
    button = page.locator(".utterance .play").nth(1)
    button.evaluate("(button) => { for (let press = 0; press < 3; press += 1) button.click(); }")
    until(page, "[...document.querySelectorAll('audio')].some((a) => a.currentTime > 0.1)")


def test_a_table_is_sorted_from_the_keyboard_by_its_numbers(report: Path, opened: Open) -> None:
    table = opened(report).locator("#main-table")
    heading, first = table.locator("thead th").nth(1), table.locator("thead th").first

    def names() -> list[str]:
        return table.locator("tbody th .label").all_inner_texts()

    def values() -> list[float]:
        cells = table.locator("tbody tr td:nth-child(2)")
        return [float(value) for value in cells.evaluate_all("(a) => a.map((c) => c.dataset.value)")]

    as_given = names()
    heading.locator("button").press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending" and values() == sorted(values())
    heading.locator("button").press("Enter")
    assert heading.get_attribute("aria-sort") == "descending" and values() == sorted(values(), reverse=True)
    first.locator("button").press("Space")
    assert names() == sorted(names()) and heading.get_attribute("aria-sort") == "none"
    for _ in range(2):
        first.locator("button").press("Enter")
    assert names() == as_given


def test_what_is_absent_is_last_whichever_way_a_table_is_sorted(report: Path, opened: Open) -> None:
    page = opened(report)
    column = page.locator("#main-table thead th", has_text="algorithmic latency")
    for _ in range(2):
        column.locator("button").click()
        cells = page.locator("#main-table tbody tr").evaluate_all(
            "(rows, n) => rows.map((row) => row.cells[n].classList.contains('absent'))",
            column.evaluate("(th) => th.cellIndex"),
        )
        assert True in cells and cells == sorted(cells)


# The first text is not taken before `release()`: a clipboard that is slow just then.
SLOW_CLIPBOARD = """() => {
  const real = navigator.clipboard.writeText.bind(navigator.clipboard);
  let before = new Promise((done) => { window.release = done; });
  navigator.clipboard.writeText = async (text) => {
    const wait = before;
    before = null;
    await wait;
    return real(text);
  };
}"""
# All that the line beside the buttons says, in order: a word that is wiped again may be gone before anybody looks.
TOLD = """() => {
  const line = document.querySelector("#results .copies output");
  window.told = [];
  new MutationObserver(() => window.told.push(line.textContent)).observe(line, { childList: true });
}"""


def copy_results(page: playwright.Page, kind: str) -> None:
    page.get_by_role("button", name=f"Copy Results by system as {kind}", exact=True).click()


def pasted(page: playwright.Page) -> str:
    """What the clipboard holds."""
    page.evaluate("document.body.prepend(Object.assign(document.createElement('textarea'), { id: 'pasted' }))")
    page.locator("#pasted").press("Control+v")
    playwright.expect(page.locator("#pasted")).not_to_have_value("")
    value = page.locator("#pasted").input_value()
    page.evaluate("document.querySelector('#pasted').remove()")
    return value


def test_a_table_can_be_copied_as_papers_and_programs_take_it(report: Path, opened: Open) -> None:
    page = opened(report)
    page.evaluate(TOLD)
    for kind, beginning in (("CSV", "system,stoi"), ("LaTeX", "% needs"), ("Markdown", "| system |")):
        copy_results(page, kind)
        until(page, f"told.includes('{kind} copied')")
        assert pasted(page).startswith(beginning)


def test_of_copies_in_a_row_the_last_one_is_kept_and_told(report: Path, opened: Open) -> None:
    page = opened(report)
    page.evaluate(SLOW_CLIPBOARD)
    page.evaluate(TOLD)
    for kind in ("CSV", "LaTeX", "Markdown"):
        copy_results(page, kind)
    page.evaluate("release()")
    until(page, "told.includes('Markdown copied')")
    assert pasted(page).startswith("| system |")
    until(page, "told.at(-1) === ''")  # and after a while nothing is said
    assert [words for words in page.evaluate("told") if words] == ["Markdown copied"]


def shown(page: playwright.Page) -> list[str]:
    """Ids of the utterances that are not filtered out, in their order."""
    return page.locator(".utterance:visible h3").evaluate_all("(a) => a.map((h) => h.firstChild.textContent.trim())")


def test_utterances_are_found_by_words(report: Path, opened: Open) -> None:
    page = opened(report)
    page.fill("#find", "flite_rms_ THIS")
    assert shown(page) == ["flite_rms_1", "flite_rms_2"]
    playwright.expect(page.locator("#explorer-count")).to_have_text("2 of 6 utterances")
    page.fill("#find", "")
    page.check("#lacking")
    assert shown(page) == ["flite_rms_1", "a&b 'long'"]  # one unscored, one failed


def test_utterances_are_ordered_by_a_score_or_its_difference(
    report: Path, comparison: Comparison, opened: Open
) -> None:
    page = opened(report)
    as_given = shown(page)
    page.select_option("#explorer-metric", label="mel_distance")  # lower is better
    page.select_option("#explorer-system", label="naive")
    metric = next(m for m in comparison.metrics if m.name == "mel_distance")
    values = comparison.values("naive", metric)
    change = (values - comparison.values("full", metric)).dropna()
    for order, keys in (("worst", -values), ("best", values), ("loss", -change), ("gain", change)):
        page.select_option("#explorer-order", order)
        assert shown(page)[-1] == "a&b 'long'", "what failed comes last"
        assert shown(page)[:-1] == list(keys.sort_values().index), order
    headings = page.locator(".players thead").first.locator("th:visible").all_text_contents()
    assert headings == ["system", "audio", "mel_distance ↓"]
    page.select_option("#explorer-order", "corpus")
    assert shown(page) == as_given


def test_another_systems_effects_can_be_chosen(report: Path, opened: Open) -> None:
    page = opened(report)
    page.locator("#pick-effects").scroll_into_view_if_needed()
    page.select_option("#pick-effects", "copy-synthesis")
    until(page, "document.querySelector('[data-plot=effects] .point') !== null")
    assert page.locator("[data-plot=effects]").get_attribute("data-key") == "copy-synthesis"


def test_on_paper_every_plot_is_drawn_within_the_page_and_players_are_left_out(report: Path, opened: Open) -> None:
    page = opened(report)
    pdf = page.pdf(format="A4", prefer_css_page_size=True)
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert pdf.startswith(b"%PDF") and 3 < pages < 60
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 703, "height": 1000})  # 186 mm
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    playwright.expect(page.locator("[data-plot]:visible:not([data-drawn])")).to_have_count(0)
    over = (
        "(a) => a.filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 80))"
    )
    assert page.locator("svg.main-svg:visible, table.data:visible").evaluate_all(over) == []
    assert (
        page.locator(".utterance:visible, .controls:visible").count() == 0
        and page.locator(".print-only:visible").count() == 1
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_has_a_name_for_a_screen_reader(report: Path, opened: Open, scheme: str) -> None:
    page = opened(report, color_scheme=scheme)
    nameless = page.evaluate("""() => [...document.querySelectorAll(
        "button, select, input, [role=slider], [role=img], nav, table.data")]
      .filter((e) => !["aria-label", "aria-labelledby"].some((name) => e.getAttribute(name)))
      .filter((e) => !e.textContent.trim() && !e.labels?.length)
      .map((e) => e.outerHTML.slice(0, 100))""")
    assert nameless == []
    levels = page.locator("h1, h2, h3").evaluate_all("(a) => a.map((h) => Number(h.tagName[1]))")
    assert levels[0] == 1 and all(b - a <= 1 for a, b in itertools.pairwise(levels))
    ids = page.locator("[id]").evaluate_all("(a) => a.map((e) => e.id)")
    assert len(ids) == len(set(ids)), "an id stands twice"


def test_without_scripts_the_page_still_holds_tables_and_plain_players(report: Path, opened: Open) -> None:
    page = opened(report, java_script_enabled=False)
    assert page.locator("#main-table tbody tr").count() == 5
    assert page.locator("audio[controls]").first.is_visible() and not page.locator(".controls").is_visible()
