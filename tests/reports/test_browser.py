"""The report in a real Chromium, opened from disk with the network unreachable."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; install Debian's package chromium"),
    pytest.mark.slow,
]

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--mute-audio",
    "--proxy-server=127.0.0.1:9", "--host-resolver-rules=MAP * ~NOTFOUND",
    "--allow-file-access-from-files", "--autoplay-policy=no-user-gesture-required",
)  # fmt: skip

# A page around the report: an iframe gives it any width, and looks inside without the report having to help.
AROUND = """<!doctype html><body style="margin:0"><iframe
 id="f" src="%(source)s" style="border:0;width:1400px;height:9000px"></iframe><pre id="found"></pre><script>
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
document.getElementById("f").addEventListener("load", async (event) => {
  const view = event.target.contentWindow, page = view.document, errors = [];
  view.addEventListener("error", (e) => errors.push(e.message));
  const found = { errors };
  try {
    await wait(1500);
    %(script)s
  } catch (e) { errors.push(String(e)); }
  document.getElementById("found").textContent = JSON.stringify(found);
});
</script>"""


def look(report: Path, folder: Path, script: str) -> dict:
    """Run JavaScript beside the report (``page`` is its document) and return what it put into ``found``."""
    around = folder / "around.html"
    around.write_text(AROUND % {"source": html.escape(report.as_uri()), "script": script})
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--window-size=2000,9000"]
    command += ["--timeout=60000", "--virtual-time-budget=30000", "--dump-dom", around.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    text = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.S)
    assert text and text[1], f"nothing came back: {done.stderr[-1000:]}"
    return json.loads(html.unescape(text[1]))


def test_it_draws_all_and_asks_for_nothing(report: Path, tmp_path: Path) -> None:
    found = look(
        report,
        tmp_path,
        """
        for (const part of page.querySelectorAll("section")) { part.scrollIntoView(); await wait(150); }
        const shown = [...page.querySelectorAll("[data-plot]")].filter((p) => !p.closest("[hidden]"));
        found.drawn = shown.filter((p) => p.querySelector("svg.main-svg")).length;
        found.plots = shown.length;
        found.title = page.title;
        found.asked = view.performance.getEntriesByType("resource").map((r) => r.name).filter((n) => !/^data:/.test(n));
        found.sounding = [...page.querySelectorAll("audio")].filter((a) => !a.paused).length;
        found.coloured = new Set([...page.querySelectorAll("#metrics .point")].map((p) => p.style.stroke || p.style.fill)).size;
        """,
    )
    assert found["errors"] == [] and found["asked"] == []
    assert found["plots"] > 10 and found["drawn"] == found["plots"]
    assert found["title"].startswith("some run & <more>"), "a name became markup"
    assert found["sounding"] == 0
    assert found["coloured"] >= 5


def test_the_page_never_scrolls_sideways(report: Path, tmp_path: Path) -> None:
    found = look(
        report,
        tmp_path,
        """
        found.widths = [];
        for (const width of [320, 400, 768, 1099, 1100, 1920]) {
          document.getElementById("f").style.width = `${width}px`;
          await wait(600);
          const root = page.scrollingElement;
          found.widths.push([width, root.clientWidth, root.scrollWidth - root.clientWidth]);
        }
        """,
    )
    assert found["errors"] == [] and len(found["widths"]) == 6
    for width, shown, over in found["widths"]:
        assert width - 20 < shown <= width and over <= 0, f"{over} px too wide at {width} px"


def test_systems_share_a_position_and_only_one_sounds(report: Path, tmp_path: Path) -> None:
    found = look(
        report,
        tmp_path,
        """
        const rows = [...page.querySelectorAll(".utterance")[0].querySelectorAll(".player")];
        const other = page.querySelectorAll(".utterance")[1].querySelector(".player");
        const audio = (row) => row.querySelector("audio"), press = (row) => row.querySelector(".play").click();
        const sounding = () => [...page.querySelectorAll("audio")].filter((a) => !a.paused).length;
        const pressed = () => page.querySelectorAll('.play[aria-pressed="true"]').length;
        rows[1].querySelector(".wave").dispatchEvent(new view.KeyboardEvent("keydown", { key: "PageUp", bubbles: true }));
        found.sought = Number(rows[2].querySelector(".wave").getAttribute("aria-valuenow"));
        press(rows[1]); await wait(200);
        found.first = [audio(rows[1]).currentTime, sounding(), pressed()];
        press(rows[2]); await wait(50);
        found.second = [audio(rows[2]).currentTime, sounding(), pressed(), audio(rows[1]).paused];
        rows[2].dispatchEvent(new view.KeyboardEvent("keydown", { key: "4", bubbles: true })); await wait(50);
        found.third = [!audio(rows[3]).paused, sounding()];
        press(other); await wait(50);
        found.other = [!audio(other).paused, sounding(), audio(other).currentTime];
        press(other); await wait(50);
        found.silent = [sounding(), pressed()];
        """,
    )
    assert found["errors"] == []
    assert found["sought"] == 1
    assert found["first"][0] >= 1 and found["first"][1:] == [1, 1]
    assert found["second"][0] >= found["first"][0] and found["second"][1:] == [1, 1, True]
    assert found["third"] == [True, 1]
    assert found["other"][:2] == [True, 1] and found["other"][2] < 0.9
    assert found["silent"] == [0, 0]


def test_another_utterance_and_another_metric_can_be_chosen(report: Path, tmp_path: Path) -> None:
    found = look(
        report,
        tmp_path,
        """
        const choose = (select, value) => { select.value = value; select.dispatchEvent(new view.Event("change")); };
        choose(page.getElementById("pick-closeup"), "2"); await wait(300);
        found.shown = [...page.querySelectorAll("[data-closeup]")].filter((p) => !p.hidden).map((p) => p.dataset.closeup);
        page.querySelector('[data-closeup="2"]').scrollIntoView(); await wait(2000);
        found.drawn = page.querySelectorAll('[data-closeup="2"] svg.main-svg').length;
        const select = page.getElementById("pick-quality");
        choose(select, select.options[1].value); await wait(300);
        found.axis = page.querySelector('[data-plot="quality"] .ytitle').textContent;
        """,
    )
    assert found["errors"] == []
    assert found["shown"] == ["2"] and found["drawn"] > 0
    assert found["axis"].startswith("mel_distance (dB)")
