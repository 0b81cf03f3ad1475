"""Steps of a session as the service hands them out, one a view, and what a listener does with them."""

from __future__ import annotations

from typing import Any

Page = Any  # Playwright's, which may not be installed


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


def mount(page: Page, step: dict) -> None:
    page.evaluate("(step) => window.mount(step)", step)
    page.wait_for_selector(".lt-trial:not([aria-busy])")


def hear(page: Page, *labels: str) -> None:
    """Play each of these from the beginning to the end, with its button."""
    for label in labels:
        page.get_by_role("button", name=f"Play {label}", exact=True).click()
        known = label.lower() if len(label) > 2 else label
        page.wait_for_function(BEGUN, arg=known)
        page.evaluate("() => { player.seek(0); return player.play(); }")  # it may be over already
        page.wait_for_function("!player.playing")


BEGUN = "(label) => player.selected === label && (player.playing || player.coverage(label) > 0)"


def send(page: Page) -> dict:
    """Press Continue and return what the page handed over."""
    before = page.evaluate("answers.length")
    page.locator(".lt-submit:not(.lt-off)").click()
    page.wait_for_function("(n) => answers.length > n", arg=before)
    return page.evaluate("answers.at(-1)")
