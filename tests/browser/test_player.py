"""The player and the views of trials in a real Chromium: what is heard, what counts as heard, and what is answered."""

from __future__ import annotations

import io
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import soundfile

from listening_tests.page.texts import texts
from reports.visual import style
from tests.browser.slowness import slowed

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; install Debian's package chromium"),
    pytest.mark.slow,
]

STATIC = Path(__file__).resolve().parents[2] / "listening_tests" / "page" / "static"
RATE = 48000
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>trial</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<link rel="stylesheet" href="/listener.css"><style>VISUAL body { margin: 0 }</style></head>
<body class="lt"><main class="lt-page"><div class="lt-card" id="here"></div></main>
<script type="module">
import * as player from "/player.js";
import { renderTrial } from "/trial.js";
const words = TEXTS;
window.missing = new Set();
const t = (key, vars = {}) => {
  if (!(key in words)) window.missing.add(key);
  return (words[key] ?? key).replace(/\\{(\\w+)\\}/g, (whole, name) => vars[name] ?? whole);
};
window.module = player;
window.answers = [];
window.player = new player.Player(player.audioContext());
window.mount = (step, reply = () => undefined) => {
  window.trial?.destroy();
  const onAnswer = (answer, heard) => { window.answers.push({ answer, ...heard }); return reply(answer); };
  window.trial = renderTrial(document.getElementById("here"), step, window.player, t, { onAnswer, language: "en" });
  return window.trial.ready;
};
window.ready = true;
</script></body></html>"""


class Site(SimpleHTTPRequestHandler):
    """The static folder as it is, one page around it, and sounds that are made up: /sound/<seconds>/<seed>."""

    def do_GET(self) -> None:
        if self.path == "/":
            self._send("text/html", PAGE.replace("VISUAL", style()).replace("TEXTS", json.dumps(texts("en"))).encode())
        elif self.path.startswith("/sound/"):
            seconds, seed = self.path.split("/")[2:4]
            self._send("audio/wav", wav(speechlike(float(seconds), int(seed))))
        elif self.path.startswith("/nothing"):
            self.send_error(404)
        else:
            super().do_GET()

    def _send(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def speechlike(seconds: float, seed: int, rate: int = 24000) -> np.ndarray:
    """A voice-like tone whose loudness comes and goes as syllables do, a little different for every seed."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    loudness = 0.05 + np.clip(np.sin(2 * np.pi * 2.1 * time) + 0.5 * np.sin(2 * np.pi * 0.7 * time), 0, None)
    voice = sum(np.sin(2 * np.pi * 140 * k * time + rng.uniform(0, 6)) / k for k in range(1, 9))
    return (0.1 * loudness * voice).astype(np.float32)


def wav(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, 24000, format="WAV", subtype="PCM_16")
    return file.getvalue()


@pytest.fixture(scope="module")
def player_site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Site, directory=str(STATIC)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def player_browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as started:
        flags = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"]
        browser = started.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield slowed(browser)
        browser.close()


@pytest.fixture
def open_page(player_site: str, player_browser: playwright.Browser) -> Iterator[Callable[..., playwright.Page]]:
    """open_page(size="desktop", **context options): a page with the modules loaded; any script error fails the test."""
    contexts, errors = [], []

    def opened(size: str = "desktop", **options: object) -> playwright.Page:
        phone = {"has_touch": True, "is_mobile": True} if size == "phone" else {}
        context = player_browser.new_context(**{"viewport": SIZES.get(size), **phone, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(6000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(player_site)
        page.wait_for_function("window.ready")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


def step(view: str, labels: str, *, seconds: float = 1.2, coverage: float = 0.99, **public: object) -> dict:
    names = labels.split()
    clips = [{"label": label, "url": f"/sound/{seconds}/{i}", "seconds": seconds} for i, label in enumerate(names)]
    question = {"question_key": "question.acr-naturalness"}
    return {
        "step": "opaque", "kind": "trial", "view": view, "language": "en", "stimuli": clips,
        "listening": {"coverage": coverage}, "public": {"view": view, **question, **public},
    }  # fmt: skip


def scale(name: str, *values: object) -> list[dict]:
    return [{"value": value, "label_key": f"{name}.{value}"} for value in values]


ACR, DCR, CCR = scale("acr", 5, 4, 3, 2, 1), scale("dcr", 5, 4, 3, 2, 1), scale("ccr", 3, 2, 1, 0, -1, -2, -3)
AB, ABX = scale("ab", "A", "same", "B"), scale("abx", "A", "B")
SAME = scale("same-different", "same", "different")
STEPS = {
    "acr": step("scale", "A", scale=ACR, beeps=True),
    "dcr": step("scale", "reference A", scale=DCR, reference="reference", question_key="question.dcr"),
    "ccr": step("pair", "A B", scale=CCR, question_key="question.ccr", beeps=True),
    "ab": step("pair", "A B", scale=AB, question_key="question.ab"),
    "abx": step("abx", "A B X", scale=ABX, question_key="question.abx"),
    "same-different": step("same-different", "A B", scale=SAME, question_key="question.same-different"),
    "mushra": step("sliders", "reference 1 2 3 4 5 6", reference="reference", question_key="question.mushra"),
    "multi-stimulus": step("sliders", "1 2 3", question_key="question.multi-stimulus", beeps=True),
    "seams": step("seams", "A", question_key="question.seam-locating"),
    "intervals": step("intervals", "1 2 3", seconds=0.4, question_key="question.woods"),
}


def mount(page: playwright.Page, step: dict) -> None:
    page.evaluate("(step) => window.mount(step)", step)
    page.wait_for_selector(".lt-trial:not([aria-busy])")


def hear(page: playwright.Page, *labels: str) -> None:
    """Play each of these from the beginning to the end, with its button."""
    for label in labels:
        page.get_by_role("button", name=f"Play {label}", exact=True).click()
        page.wait_for_function(
            "(label) => player.playing && player.selected === label", arg=label.lower() if len(label) > 2 else label
        )
        page.evaluate("player.seek(0)")
        page.wait_for_function("!player.playing")


def send(page: playwright.Page) -> dict:
    """Press Continue and return what the page handed over."""
    before = page.evaluate("answers.length")
    page.get_by_role("button", name="Continue", exact=True).click(force=True)
    page.wait_for_function("(n) => answers.length > n", arg=before, timeout=2000)
    return page.evaluate("answers.at(-1)")


OFFLINE = """async ([sounds, schedule, options]) => {
  const buffers = Object.fromEntries(Object.entries(sounds).map(([label, s]) => [label, Float32Array.from(s)]));
  const { samples, player } = await module.renderOffline(buffers, schedule, OfflineAudioContext, options);
  const labels = Object.keys(buffers);
  const shares = Object.fromEntries(labels.map((label) => [label, player.coverage(label)]));
  const { position, playing } = player;
  return { samples: Array.from(samples), listened: player.listened(), shares, position, playing };
}"""


@pytest.fixture(scope="module")
def render_offline(player_site: str, player_browser: playwright.Browser) -> Iterator[Callable[..., dict]]:
    """render(sounds, schedule, seconds, **options): what the player puts out, and what it counts as heard."""
    page = player_browser.new_page()
    page.goto(player_site)
    page.wait_for_function("window.ready")

    def render(sounds: dict[str, np.ndarray], schedule: list, seconds: float, **options: object) -> dict:
        lists = {label: np.asarray(samples, float).tolist() for label, samples in sounds.items()}
        found = page.evaluate(OFFLINE, [lists, schedule, {"seconds": seconds, "rate": RATE, **options}])
        return {**found, "samples": np.array(found["samples"])}

    yield render
    page.close()


def voice(seconds: float, seed: int = 0) -> np.ndarray:
    return speechlike(seconds, seed, RATE)


def noise(seconds: float, seed: int) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def lag_of(heard: np.ndarray, sound: np.ndarray, at: int) -> int:
    """Where in ``sound`` the 2000 samples of ``heard`` from ``at`` come from, by the highest correlation."""
    piece = heard[at : at + 2000]
    return int(np.argmax(np.correlate(sound, piece, mode="valid")))


def test_after_switching_the_sounds_are_together_to_the_sample(render_offline: Callable[..., dict]) -> None:
    sounds = {"A": noise(3, 1), "B": noise(3, 2), "C": noise(3, 3)}
    schedule = [[0, "play"], [0.5, "select", "B"], [1.0, "select", "C"], [1.5, "select", "A"], [2.0, "select", "B"]]
    heard = render_offline(sounds, schedule, 3.2)["samples"]
    began = np.flatnonzero(heard)[0]
    for second, label in ((0.2, "A"), (0.7, "B"), (1.2, "C"), (1.7, "A"), (2.2, "B")):
        at = round(second * RATE)
        assert abs(lag_of(heard, sounds[label], at) - (at - began)) <= 1, (
            f"{label} at {second} s is not where it should be"
        )


def test_an_unswitched_sound_passes_unchanged(render_offline: Callable[..., dict]) -> None:
    sound = voice(1.0)
    heard = render_offline({"A": sound, "B": noise(1, 2)}, [[0, "play"]], 1.3)["samples"]
    began = np.flatnonzero(heard)[0]
    first = np.flatnonzero(sound)[0]
    assert np.allclose(heard[began : began + len(sound) - first], sound[first:], atol=1e-6)


def roughness(samples: np.ndarray, window: int = 480) -> np.ndarray:
    """Energy of the second difference in every window of 10 ms: a click stands out by orders of magnitude."""
    second = np.diff(samples, 2)
    return np.array([np.sum(second[i : i + window] ** 2) for i in range(0, len(second) - window, window // 2)])


@pytest.mark.parametrize(
    "actions",
    [
        [[0.5, "select", "B"], [0.8, "select", "A"], [0.803, "select", "B"], [0.806, "select", "A"]],
        [[0.5, "seek", 1.2], [0.9, "seek", 0.1], [0.905, "seek", 1.0]],
        [[0.5, "pause"], [0.9, "play"], [1.103, "pause"], [1.11, "play"]],
        [[0.3, "setLoop", 0.2, 0.55], [1.4, "setLoop", None], [1.5, "select", "B"]],
        [[0.4, "setLoop", 0.1, 0.6], [1.0, "select", "B"], [1.001, "seek", 0.3], [1.002, "pause"]],
    ],
    ids=["switch", "seek", "pause", "loop", "all-at-once"],
)
def test_nothing_that_a_listener_does_clicks(render_offline: Callable[..., dict], actions: list) -> None:
    # tones, whose second difference is tiny: any jump of the waveform shows
    time = np.arange(2 * RATE) / RATE
    sounds = {"A": 0.3 * np.sin(2 * np.pi * 220 * time), "B": 0.3 * np.sin(2 * np.pi * 330 * time + 1)}
    heard = render_offline(sounds, [[0, "play"], *actions], 1.8)["samples"]
    began = np.flatnonzero(heard)[0]
    steady = max(roughness(tone).max() for tone in sounds.values())
    assert roughness(heard[began:]).max() < 3 * steady
    cut = np.concatenate([sounds["A"][:24000], sounds["B"][24000 + 37 :]])  # the measure does see a hard switch
    assert roughness(cut).max() > 30 * steady


def test_the_same_sound_under_two_labels_shows_no_switch_at_all(render_offline: Callable[..., dict]) -> None:
    sound = voice(2.0)
    actions = [[0.5, "select", "B"], [0.9, "select", "A"], [1.2, "setLoop", 0, 2]]
    plain = render_offline({"A": sound, "B": sound}, [[0, "play"]], 1.6)["samples"]
    switched = render_offline({"A": sound, "B": sound}, [[0, "play"], *actions], 1.6)["samples"]
    assert np.abs(plain - switched).max() < 1e-5


def test_coverage_is_the_union_of_what_was_played_under_seeks_and_loops(render_offline: Callable[..., dict]) -> None:
    sounds = {"A": voice(2.0), "B": voice(2.0, 1)}
    schedule = [[0, "play"], [0.5, "seek", 0], [1.2, "seek", 1.6], [1.4, "pause"]]
    found = render_offline(sounds, schedule, 2.0)
    parts = found["listened"]["A"]
    assert parts == [pytest.approx([0, 0.7], abs=0.03), pytest.approx([1.6, 1.8], abs=0.03)]
    assert found["shares"]["A"] == pytest.approx(sum(b - a for a, b in parts) / 2, abs=1e-3)
    assert found["shares"]["B"] == 0 and found["listened"]["B"] == []

    found = render_offline(sounds, [[0, "play"], [0.2, "setLoop", 0.1, 0.6], [2.5, "pause"]], 2.8)
    assert found["listened"]["A"] == [pytest.approx([0, 0.6], abs=0.03)], "a loop heard five times counts once"
    found = render_offline(sounds, [[0, "seek", 1.99], [0, "play"]], 0.5)
    assert found["shares"]["A"] < 0.01, "jumping to the end is not listening"


def test_a_switch_keeps_the_position_and_splits_what_was_heard(render_offline: Callable[..., dict]) -> None:
    sounds = {"A": voice(2.0), "B": voice(2.0, 1)}
    found = render_offline(sounds, [[0, "play"], [0.8, "select", "B"]], 2.2)
    [[start, end]], [[again, last]] = found["listened"]["A"], found["listened"]["B"]
    assert start == 0 and last == pytest.approx(2.0, abs=1e-3)
    assert end == pytest.approx(again, abs=1e-3) and end == pytest.approx(0.8, abs=0.03)
    assert not found["playing"] and found["position"] == pytest.approx(2.0)


def test_sounds_that_do_not_belong_together_start_over_on_a_switch(render_offline: Callable[..., dict]) -> None:
    sounds = {"reference": noise(1.5, 1), "A": noise(0.8, 2)}
    found = render_offline(sounds, [[0, "play"], [0.5, "select", "A"]], 1.8, together=False)
    assert found["shares"]["A"] == 1
    assert found["listened"]["reference"] == [pytest.approx([0, 0.5], abs=0.03)]
    at = round(0.7 * RATE)
    assert lag_of(found["samples"], sounds["A"], at) == pytest.approx(0.17 * RATE, abs=0.03 * RATE)


def test_nothing_is_louder_than_the_level_that_was_set(render_offline: Callable[..., dict]) -> None:
    sound = voice(1.0)
    heard = render_offline({"A": sound}, [[0, "setVolume", 5], [0, "play"]], 1.2, level=0.5)["samples"]
    assert np.abs(heard).max() == pytest.approx(0.5 * np.abs(sound).max(), rel=1e-3)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("name", "choose", "expected"),
    [
        ("acr", "Good", {"value": 4}),
        ("ccr", "Slightly worse", {"value": -1}),
        ("ab", "No preference", {"choice": "same"}),
        ("abx", "X is B", {"choice": "B"}),
        ("same-different", "Different", {"choice": "different"}),
    ],
)
def test_an_answer_opens_after_listening_and_says_what_was_chosen(
    open_page: Callable[..., playwright.Page], size: str, name: str, choose: str, expected: dict
) -> None:
    page = open_page(size)
    mount(page, STEPS[name])
    radios = page.get_by_role("radiogroup", name="Your answer").get_by_role("radio")
    assert all(radio.is_disabled() for radio in radios.all())
    page.keyboard.press("Enter")
    page.evaluate("player.seek(player.duration)")
    assert radios.first.is_disabled(), "a seek unlocked the answer"
    hear(page, *[stimulus["label"] for stimulus in STEPS[name]["stimuli"]])
    chosen = page.get_by_role("radio", name=choose, exact=True)
    assert chosen.is_enabled()
    chosen.check(force=True)
    sent = send(page)
    assert sent["answer"] == expected
    for stimulus in STEPS[name]["stimuli"]:
        [[start, end]] = sent["listened"][stimulus["label"]]
        # on a busy machine the clock may have run into the fade-in (8 ms) when the page first looks at it
        assert 0 <= start <= 0.01 and end == pytest.approx(stimulus["seconds"], abs=2e-3)
    kinds = {event["type"] for event in sent["events"]}
    assert {"context", "play", "seek", "ended", "answer"} <= kinds
    assert page.evaluate("[...missing]") == [] and page.evaluate("answers.length") == 1


def test_only_the_slider_of_the_sound_that_is_heard_moves(open_page: Callable[..., playwright.Page]) -> None:
    page = open_page()
    mount(page, STEPS["mushra"])
    third = page.get_by_role("slider", name="Rating of 3")
    third.click(force=True)
    assert third.get_attribute("aria-valuetext") == "not rated"
    assert page.get_by_role("status").inner_text() == "Play 3 to rate it."
    page.keyboard.press("3")
    page.wait_for_function("player.coverage('3') > 0")
    box = third.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 14 + 0.25 * (box["height"] - 28))
    assert third.get_attribute("aria-valuenow") == "75"
    page.keyboard.press("ArrowUp")
    assert third.get_attribute("aria-valuetext") == "76, Good"
    page.keyboard.press("4")
    page.wait_for_function("player.coverage('4') > 0")
    third.click(force=True)
    assert third.get_attribute("aria-valuenow") == "76"


@pytest.mark.parametrize("size", SIZES)
def test_sliders_are_sent_as_they_stand_and_only_when_every_one_was_moved(
    open_page: Callable[..., playwright.Page], size: str
) -> None:
    page = open_page(size)
    mount(page, STEPS["multi-stimulus"])
    hear(page, "1", "2", "3")
    for label, share in (("1", 0.2), ("2", 0.9), ("3", 0.5)):
        page.get_by_role("button", name="Continue", exact=True).click(force=True)
        assert page.evaluate("answers.length") == 0, "sent with a slider that was not moved"
        page.evaluate("(label) => player.select(label)", label)
        control = page.get_by_role("slider", name=f"Rating of {label}")
        control.scroll_into_view_if_needed()
        rail = control.locator(".lt-rail").bounding_box()
        upright = rail["height"] > rail["width"]
        assert upright == (size == "desktop")
        if upright:
            page.mouse.click(rail["x"] + rail["width"] / 2, rail["y"] + (1 - share) * rail["height"])
        else:
            page.touchscreen.tap(rail["x"] + share * rail["width"], rail["y"] + rail["height"] / 2)
    values = send(page)["answer"]["values"]
    assert values == {label: pytest.approx(share, abs=1) for label, share in (("1", 20), ("2", 90), ("3", 50))}


def test_a_study_is_answered_with_the_keyboard_alone(open_page: Callable[..., playwright.Page]) -> None:
    page = open_page()
    mount(page, STEPS["acr"])
    page.keyboard.press("Space")
    page.wait_for_function("player.coverage('A') > 0.999")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    page.wait_for_function("answers.length === 1")
    assert page.evaluate("answers[0].answer") == {"value": 2}

    mount(page, STEPS["abx"])
    for key in "abx":
        page.keyboard.press(key)
        page.evaluate("player.seek(0)")
        page.wait_for_function("!player.playing")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("player.position") == pytest.approx(0.7, abs=0.01)
    for _ in range(12):  # buttons, track, loop, answers
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "radio":
            break
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_function("answers.length === 2")
    assert page.evaluate("answers[1].answer") == {"choice": "B"}


def test_joins_are_marked_while_it_plays_and_playing_again_starts_over(
    open_page: Callable[..., playwright.Page],
) -> None:
    page = open_page()
    mount(page, STEPS["seams"])
    page.keyboard.press("Space")
    page.wait_for_function("player.position > 0.3")
    page.keyboard.press("Space")
    page.wait_for_function("!player.playing")
    page.wait_for_timeout(1200)  # a late press might still come
    page.keyboard.press("p")
    for second in (0.25, 0.6):
        page.wait_for_function("(s) => player.position > s", arg=second)
        page.get_by_role("button", name="I hear a join").dispatch_event("pointerdown", {"button": 0})
    page.wait_for_function("!player.playing")
    page.keyboard.press("Space")  # answers what was heard at the very end
    page.wait_for_timeout(1200)
    presses = send(page)["answer"]["presses"]
    assert len(presses) == 3 and presses == sorted(presses)
    assert presses[:2] == [pytest.approx(0.25, abs=0.2), pytest.approx(0.6, abs=0.2)]
    assert 1.2 <= presses[2] <= 2.2


def test_marks_of_a_listening_that_was_stopped_are_not_sent(open_page: Callable[..., playwright.Page]) -> None:
    page = open_page()
    mount(page, STEPS["seams"])
    page.keyboard.press("p")
    page.wait_for_function("player.coverage('A') > 0.999 && !player.playing")
    page.keyboard.press("p")
    page.wait_for_function("player.position > 0.2")
    page.keyboard.press("Space")
    page.keyboard.press("p")  # stops
    page.wait_for_timeout(1200)
    page.get_by_role("button", name="Continue", exact=True).click(force=True)
    assert page.evaluate("answers.length") == 0
    page.keyboard.press("p")
    page.wait_for_function("player.position > 0.2")
    page.wait_for_function("!player.playing")
    page.wait_for_timeout(1200)
    assert send(page)["answer"] == {"presses": []}


def test_a_headphone_round_plays_each_sound_once(open_page: Callable[..., playwright.Page]) -> None:
    page = open_page("phone")
    mount(page, STEPS["intervals"])
    play = page.get_by_role("button", name="Play the three sounds")
    play.tap()
    page.wait_for_function("['1', '2', '3'].every((label) => player.coverage(label) > 0.999)", timeout=6000)
    page.wait_for_function("!trial.view.running")
    assert play.is_disabled()
    page.get_by_role("radio", name="Sound 2").check(force=True)
    sent = send(page)
    assert sent["answer"] == {"choice": "2"}
    assert [event["label"] for event in sent["events"] if event["type"] == "play"] == ["1", "2", "3"]


def test_beeps_are_answered_instead_of_a_rating(open_page: Callable[..., playwright.Page]) -> None:
    page = open_page()
    mount(page, STEPS["acr"])
    page.keyboard.press("Space")
    page.wait_for_function("player.coverage('A') > 0.999")
    page.keyboard.press("5")
    page.get_by_role("radiogroup", name="Heard beeps? How many?").get_by_role("radio", name="3").check(force=True)
    assert send(page)["answer"] == {"beeps": 3}
    mount(page, step("scale", "A", scale=ACR))
    assert page.get_by_role("radiogroup", name="Heard beeps? How many?").count() == 0


def test_a_clip_that_does_not_come_can_be_asked_for_again(open_page: Callable[..., playwright.Page]) -> None:
    page = open_page()
    broken = step("scale", "A", scale=ACR)
    broken["stimuli"][0]["url"] = "/nothing"
    page.evaluate("(step) => { window.broken = step; return mount(step); }", broken)
    assert page.get_by_role("status").inner_text() == "The sound did not arrive. Check your connection."
    page.evaluate("broken.stimuli[0].url = '/sound/1.0/1'")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector(".lt-trial:not([aria-busy])")
    assert page.evaluate("player.duration") == pytest.approx(1.0, abs=1e-3)


def test_an_answer_that_could_not_be_saved_can_be_sent_again(open_page: Callable[..., playwright.Page]) -> None:
    page = open_page()
    page.evaluate(
        "(step) => mount(step, () => answers.length === 1 ? Promise.reject(new Error('no answer')) : undefined)",
        STEPS["acr"],
    )
    page.wait_for_selector(".lt-trial:not([aria-busy])")
    page.keyboard.press("Space")
    page.wait_for_function("player.coverage('A') > 0.999")
    page.keyboard.press("3")
    send(page)
    assert "no answer" in page.get_by_role("status").inner_text()
    assert send(page)["answer"] == {"value": 3}


def test_one_press_sends_one_answer(open_page: Callable[..., playwright.Page]) -> None:
    page = open_page()
    page.evaluate("(step) => mount(step, () => new Promise(() => undefined))", STEPS["acr"])
    page.wait_for_selector(".lt-trial:not([aria-busy])")
    page.keyboard.press("Space")
    page.wait_for_function("player.coverage('A') > 0.999")
    page.keyboard.press("3")
    for _ in range(3):
        page.get_by_role("button", name="Continue", exact=True).click(force=True)
    page.keyboard.press("Enter")
    assert page.evaluate("answers.length") == 1


LAYOUT = """() => {
  const targets = [...document.querySelectorAll("button, label.lt-choice, .lt-slider, .lt-handle")];
  const visible = targets.filter((e) => e.offsetParent);
  const small = visible.filter((e) => { const b = e.getBoundingClientRect(); return Math.min(b.width, b.height) < 43.5; });
  return { sideways: document.documentElement.scrollWidth - innerWidth, small: small.map((e) => e.outerHTML.slice(0, 90)) };
}"""


@pytest.mark.parametrize("name", STEPS)
def test_it_fits_a_small_phone_and_double_zoom_with_targets_for_a_finger(
    open_page: Callable[..., playwright.Page], name: str
) -> None:
    # 1280x800 at 200 % is laid out as 640x400
    for viewport in ({"width": 360, "height": 640}, {"width": 640, "height": 400}, SIZES["desktop"]):
        page = open_page("", viewport=viewport)
        mount(page, STEPS[name])
        if loop := page.get_by_role("button", name="Loop").all():
            loop[0].click()
        found = page.evaluate(LAYOUT)
        assert found == {"sideways": 0, "small": []}, viewport


@pytest.mark.parametrize("name", ["ccr", "mushra"])
def test_nothing_moves_when_it_is_heard_and_answered(open_page: Callable[..., playwright.Page], name: str) -> None:
    page = open_page("phone")
    page.evaluate("(step) => { mount(step); }", STEPS[name])
    places = """() => [...document.querySelectorAll(".lt-question, .lt-sound, .lt-choice, .lt-slider, .lt-track")].map((e) => {
      const { left, top, width, height } = e.getBoundingClientRect();
      return [left, top + scrollY, width, height].map(Math.round);
    })"""
    before = page.evaluate(places)
    page.wait_for_selector(".lt-trial:not([aria-busy])")
    first = "A" if name == "ccr" else "1"
    hear(page, first)
    page.get_by_role("button", name="Loop").click()
    if name == "mushra":
        page.get_by_role("slider", name="Rating of 1").press("PageUp")
    assert page.evaluate(places) == before


def test_the_picture_is_the_same_whichever_sound_is_selected(open_page: Callable[..., playwright.Page]) -> None:
    page = open_page()
    heights = "[...document.querySelectorAll('.lt-bars:not(.lt-bars-heard) rect')].map((r) => r.getAttribute('height'))"
    mount(page, STEPS["abx"])
    shapes = []
    for label in "ABX":
        page.evaluate("(label) => player.select(label)", label)
        shapes.append(page.evaluate(heights))
    assert shapes[0] == shapes[1] == shapes[2] and len(set(shapes[0])) > 5
    for name in ("acr", "seams", "dcr"):  # where a shape could tell something, there is none
        mount(page, STEPS[name])
        assert len(set(page.evaluate(heights))) == 1


def test_a_loop_region_is_set_with_the_keyboard(open_page: Callable[..., playwright.Page]) -> None:
    page = open_page()
    mount(page, STEPS["ab"])
    page.get_by_role("button", name="Loop").click()
    start, end = (page.get_by_role("slider", name=f"{edge} of the loop") for edge in ("Start", "End"))
    for _ in range(4):
        start.press("ArrowRight")
        end.press("ArrowLeft")
    assert page.evaluate("player.loop") == pytest.approx([0.2, 1.0], abs=1e-3)
    page.keyboard.press("a")
    page.wait_for_timeout(1800)
    assert page.evaluate("player.playing") and page.evaluate("player.listened().A") == [
        pytest.approx([0.2, 1.0], abs=0.01)
    ]
