"""A listener in a real Chromium at a real server: every protocol, at a desk and on a phone, and through all that goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from listening_tests.protocols import REGISTRY

pytestmark = pytest.mark.slow
SIZES = ("desktop", "phone")


def answers(studies: Any, name: str) -> list[Any]:
    """Every answer that the study's own database holds."""
    opened = studies.opened[name]
    return opened.store.answers(opened.study_id)


def step_of(person: Any) -> dict[str, Any]:
    """What the server says the listener's present step is."""
    study = person.page.evaluate("new URLSearchParams(location.search).get('study')")
    kept = json.loads(person.page.evaluate("(key) => localStorage.getItem(key)", f"listening.{study}"))
    headers = {"Authorization": f"Bearer {kept['session']}"}
    return person.context.request.get(
        f"{urlsplit(person.page.url)._replace(path='', query='').geturl()}/api/step", headers=headers
    ).json()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("protocol", REGISTRY)
def test_each_protocol_is_completed(studies: Any, listener: Callable[..., Any], protocol: str, size: str) -> None:
    before = len(answers(studies, protocol))
    person = listener(protocol, size)
    person.go_to("done")
    assert person.problems == []
    assert {urlsplit(url).netloc for url in person.asked if url.startswith("http")} == {urlsplit(studies.url).netloc}
    assert len(person.page.input_value(".flow-code")) >= 8, "no completion code"
    trials = sum(screen.startswith("trial") for screen in person.seen)
    assert trials == 3, "two trials and a practice one"
    # every screen but the welcome, the explanation and the thanks is a step of the session
    assert len(answers(studies, protocol)) - before == len(person.seen) - 3


def test_everything_that_may_come_before_a_trial(studies: Any, listener: Callable[..., Any]) -> None:
    person = listener("everything", "phone")
    person.go_to("done")
    assert {"questions", "level", "intro", "break", "comments"} <= set(person.seen)
    assert person.seen.count("trial-intervals") == 12, "six rounds of each headphone check"
    assert person.page.get_attribute("a.lt-primary", "href").startswith("https://example.org/done?cc=")
    opened = studies.opened["everything"]
    (personal,) = opened.store.personal(opened.study_id).values()
    assert "No & yes + 100 % ünïcödé" in json.dumps(personal, ensure_ascii=False), (
        "defect 1 of webMUSHRA: & ends the text"
    )
    assert "25-34" in json.dumps(personal) and "25-34" not in json.dumps(
        [row.answer for row in answers(studies, "everything")]
    )


def test_a_closed_tab_comes_back_to_the_same_trial(listener: Callable[..., Any]) -> None:
    person = listener("abx")
    person.go_to("break")
    person.next()
    before = step_of(person)
    assert before["view"] == "abx"
    person.page.close()
    person.open()
    assert person.screen() == "back"
    person.send()
    person.page.wait_for_selector(".lt-trial")
    after = step_of(person)
    for same in ("step", "position", "stimuli"):
        assert after[same] == before[same]
    assert person.go_to("done") == "done"


def test_another_device_goes_on_with_the_link_of_the_first(listener: Callable[..., Any]) -> None:
    first = listener("acr-naturalness")
    first.go_to("trial")
    before = step_of(first)
    first.page.click("[data-link=elsewhere]")
    link = first.page.input_value(".flow-link")
    second = listener("acr-naturalness", "phone", url=link)
    assert second.screen() == "back"
    assert "session=" not in second.page.url, "a session's token stays in the address bar"
    second.send()
    second.page.wait_for_selector("[data-screen=intro]")
    assert step_of(second)["step"] == before["step"]
    second.seen.clear()
    second.go_to("break")
    # the first device answers the step that the second has answered, and is led on instead of stuck
    first.page.keyboard.press("Escape")
    first.hear_all()
    first.choose()
    first.send()
    first.page.wait_for_selector("[data-screen=break]")


def test_prolific_leads_back_to_the_same_session(listener: Callable[..., Any]) -> None:
    who = {"PROLIFIC_PID": "5f1e0000000000000000aaaa", "STUDY_ID": "s", "SESSION_ID": "t"}
    first = listener("dcr", parameters=who)
    first.go_to("trial")
    second = listener("dcr", "phone", parameters=who)
    second.send()
    second.page.wait_for_selector("[data-screen=intro]")
    assert step_of(second)["step"] == step_of(first)["step"]


def test_nothing_is_lost_without_a_network(studies: Any, listener: Callable[..., Any]) -> None:
    before = len(answers(studies, "ccr"))
    person = listener("ccr", "phone")
    person.go_to("trial")
    person.answer()
    at_start = len(answers(studies, "ccr"))
    person.context.set_offline(True)
    person.send()
    person.page.wait_for_selector(".flow-banner.lt-warn:visible")
    person.look("offline")
    assert "kept on this device" in person.page.inner_text(".flow-banner")
    assert person.page.inner_text(".flow-saved") != "Saved", "said to be saved, which it is not"
    assert len(answers(studies, "ccr")) == at_start
    for _ in range(2):  # it goes on trying
        person.page.wait_for_event("requestfailed")
    person.page.evaluate("document.querySelector('.lt-trial').dataset.old = 'yes'")
    person.context.set_offline(False)
    person.page.wait_for_function("!document.querySelector('[data-old]')")
    assert person.page.inner_text(".flow-saved").strip() == "Saved"
    assert len(answers(studies, "ccr")) == at_start + 1
    person.go_to("done")
    assert len(answers(studies, "ccr")) - before == len(person.seen) - 3


def test_an_answer_given_offline_outlives_its_tab(studies: Any, listener: Callable[..., Any]) -> None:
    person = listener("acr-naturalness")
    person.go_to("trial")
    step, count = step_of(person), len(answers(studies, "acr-naturalness"))
    person.answer()
    person.context.set_offline(True)
    person.send()
    person.page.wait_for_selector(".flow-banner.lt-warn:visible")
    person.page.close()
    person.context.set_offline(False)
    person.open()
    person.screen()
    person.send()
    person.page.wait_for_selector(".flow-progress:visible")
    assert step_of(person)["position"] == step["position"] + 1
    assert len(answers(studies, "acr-naturalness")) == count + 1


def test_a_server_killed_while_answering_costs_nothing(studies: Any, listener: Callable[..., Any]) -> None:
    before = len(answers(studies, "ab"))
    person = listener("ab")
    person.go_to("trial")
    person.answer()
    studies.kill()
    try:
        person.page.evaluate("document.querySelector('.lt-trial').dataset.old = 'yes'")
        person.send()
        person.page.wait_for_selector(".flow-banner.lt-warn:visible")
    finally:
        studies.start()
    person.page.wait_for_function("!document.querySelector('[data-old]')")
    person.go_to("done")
    assert len(answers(studies, "ab")) - before == len(person.seen) - 3


def test_a_keyboard_is_enough(listener: Callable[..., Any]) -> None:
    person = listener("acr-quality")
    press = person.page.keyboard.press

    def tab_to(selector: str) -> None:
        for _ in range(30):
            if person.page.evaluate("(s) => document.activeElement?.matches(s)", selector):
                return
            press("Tab")
        pytest.fail(f"Tab does not reach {selector}")

    def through(selector: str = "[type=submit]") -> None:
        person.page.wait_for_selector(f"{selector}:not(.lt-off)")
        person.page.evaluate("document.querySelector('[data-screen], .lt-trial').dataset.old = 'yes'")
        tab_to(selector)
        press("Enter")
        person.page.wait_for_function("!document.querySelector('[data-old]')")

    while (screen := person.screen()) != "done":
        if screen == "consent":
            tab_to("[name=agreed]")
            press("Space")
        elif screen == "level":
            person.page.wait_for_selector(".flow-play:not([disabled])")
            tab_to(".flow-play")
            press("Space")
        elif screen.startswith("trial"):
            press("Space")
            person.page.wait_for_function("!document.querySelector('.lt-locked')")
            press("4")
            through(".lt-submit")
            continue
        through()


def test_nothing_the_browser_gets_names_a_system_or_a_sentence(studies: Any, listener: Callable[..., Any]) -> None:
    person, finished = listener("mushra"), []
    person.page.on("requestfinished", lambda request: finished.append(request))
    person.page.reload()
    person.go_to("break")
    received = [request.response() for request in finished]
    own = [r for r in received if not urlsplit(r.url).path.startswith(("/listen/assets/", "/listen/static/"))]
    assert any("/a/" in reply.url for reply in own) and any("/api/answers" in reply.url for reply in own)
    texts = [person.page.content()]
    for reply in own:
        texts += [reply.url, json.dumps(reply.headers), reply.body().decode("latin-1")]
    config = person.context.request.get(f"{studies.url}/listen/config")
    assert config.ok
    texts.append(config.text())
    stimuli = studies.opened["mushra"].stimuli.stimuli
    secret = {"naive", "streamflow-sr", "flite_", "anchor-3500", str(studies.opened["mushra"].folder), *stimuli}
    for text in texts:
        assert not [word for word in secret if word in text], text[:200]


@pytest.mark.parametrize(
    ("locale", "title"), [("de-DE", "Bevor Sie beginnen"), ("es-ES", "Antes de empezar"), ("zh-CN", "开始之前")]
)
def test_the_page_speaks_the_listeners_language(listener: Callable[..., Any], locale: str, title: str) -> None:
    person = listener("mushra", "phone", locale=locale)
    assert person.go_to("consent") == "consent"
    assert person.page.inner_text(".lt-title") == title
    assert person.page.evaluate("document.documentElement.lang") == locale[:2]
    person.go_to("trial")


def test_the_language_can_be_chosen(listener: Callable[..., Any]) -> None:
    person = listener("acr-naturalness")
    person.page.select_option(".flow-language select", "de")
    person.page.wait_for_selector("text=Es dauert etwa")
    assert person.page.input_value(".flow-language select") == "de"


def held(person: Any, pattern: str) -> Callable[[], None]:
    """Hold the next request of this kind back, as a slow network does; returns what lets it go on."""
    waiting: list[Any] = []
    person.page.route(pattern, lambda route: waiting.append(route), times=1)
    return lambda: waiting[0].continue_()


def test_who_starts_before_the_chosen_language_has_come_goes_on_in_it(listener: Callable[..., Any]) -> None:
    person = listener("acr-naturalness")
    person.screen()
    let_go = held(person, "**/texts.json?lang=de*")
    with person.page.expect_request("**/texts.json?lang=de*"):
        person.page.select_option(".flow-language select", "de")
    person.send()
    person.page.wait_for_timeout(1000)  # a start that did not wait would be answered by now
    let_go()
    person.page.wait_for_selector("[data-screen=consent] >> text=Bevor Sie beginnen")


def test_an_answer_that_is_late_does_not_take_the_goodbye_away(listener: Callable[..., Any]) -> None:
    person = listener("multi-stimulus")
    person.go_to("level")
    person.answer()
    let_go = held(person, "**/api/answers")
    with person.page.expect_request("**/api/answers"):
        person.send()
    person.page.click("[data-link=withdraw]")
    person.page.click("dialog button:not(.lt-primary)")
    person.page.wait_for_selector("[data-screen=withdrawn]")
    with person.page.expect_response("**/api/step"):  # what is next, as that answer was refused
        let_go()
    person.page.evaluate("new Promise((done) => setTimeout(done, 200))")
    assert person.screen() == "withdrawn"


def test_leaving_can_take_the_answers_along(studies: Any, listener: Callable[..., Any]) -> None:
    person = listener("multi-stimulus")
    person.go_to("level")
    held = len(answers(studies, "multi-stimulus"))
    person.page.click("[data-link=withdraw]")
    person.look("withdraw")
    person.page.check("dialog [type=checkbox]")
    person.page.click("dialog button:not(.lt-primary)")
    person.page.wait_for_selector("[data-screen=withdrawn]")
    assert len(answers(studies, "multi-stimulus")) == held - 1
    person.page.reload()
    assert person.screen() == "welcome", "who left may begin anew"


def test_a_wrong_link_is_said_plainly(studies: Any, listener: Callable[..., Any]) -> None:
    assert listener("ab", url=f"{studies.url}/listen/?study=nothing").screen() == "failed"
    assert listener("ab", url=f"{studies.url}/listen/").screen() == "failed"
