"""Nothing that a listener's browser receives tells systems, sentences or files apart."""

from __future__ import annotations

import io
import re
import wave

import pytest

from listening_tests.protocols import REGISTRY

OFFLINE = "full"  # a word that may well stand elsewhere
STEP_KEYS = {
    "step", "kind", "view", "position", "of", "remaining_s", "public", "stimuli", "listening", "saved", "prefetch",
    "language",
}  # fmt: skip
PUBLIC_KEYS = {
    "view", "question_key", "question", "scale", "reference", "beeps", "round", "rounds", "text", "contact", "minutes",
    "questions", "done", "of",
}  # fmt: skip


def secrets_of(opened) -> list[bytes]:
    """Everything that must not be seen, in lower case."""
    found = {opened.study_id, str(opened.folder), "anchor-", *opened.study.systems} - {OFFLINE}
    for stimulus in opened.stimuli.stimuli.values():
        found |= {stimulus.stimulus_id, stimulus.sentence, stimulus.sha256}
    return [text.lower().encode() for text in found]


@pytest.mark.parametrize("protocol", REGISTRY)
def test_a_whole_session_shows_nothing_that_identifies_a_stimulus(visit, protocol):
    systems = (OFFLINE, "secretbeta", "secretgamma")
    listener = visit(
        name="folder-of-my-study", protocol=protocol, systems=systems, questions=["hearing"], design={"listeners": 2},
        screening={"headphones": ["woods"], "traps": 1, "repeats": 1},
    )  # fmt: skip
    listener.request("GET", f"/api/studies/{listener.opened.token}")
    listener.request("GET", f"/s/{listener.opened.token}?PROLIFIC_PID=me")
    listener.start()
    assert listener.go_through(fetch=True)["done"] is True
    listener.request("GET", "/a/" + "A" * 32)
    listener.request("POST", "/api/answers", json={"nonsense": 1})
    everything = b"\n".join(listener.received).lower()
    assert len(everything) > 100_000
    assert [text for text in secrets_of(listener.opened) if text in everything] == []
    # Samples and random tokens are left out: in megabytes of them four letters stand somewhere by chance.
    told = re.sub(rb"[\w-]{20,}", b"", b"\n".join(listener.texts).lower())
    for word in (b"filename", b"secret", b'"role"', b"sentence", b"systems", b"truth", b"trap"):
        assert word not in told


def test_full_closed_and_broken_studies_do_not_name_the_folder(visit, another):
    first = visit(name="folder-of-my-study", design={"listeners": 1})
    assert first.start().status_code == 200
    second = another(first, 1)
    assert second.start().status_code == 409
    first.opened.store.set_state(first.opened.study_id, "closed")
    assert second.start().status_code == 410
    step = first.go_to("trial")
    for path in first.opened.folder.glob("stimuli/*.wav"):
        path.write_bytes(b"broken")
    first.opened.stimuli._decoded.clear()  # as after a restart
    assert first.request("GET", "/" + step["stimuli"][0]["url"]).status_code == 500
    everything = b"\n".join(first.received + second.received).lower()
    assert b"folder-of-my-study" not in everything and b".wav" not in everything


def test_the_hidden_reference_differs_from_the_reference_in_url_etag_and_size_but_not_in_sound(visit):
    listener = visit(protocol="mushra", screening={"traps": 0, "level": False, "training": 1})
    listener.start()
    step = listener.go_to("trial")
    listener.fetch_sounds(step)
    planned = listener.opened.store.step(listener.session_id, step["step"]).step
    systems = planned.secret["systems"]
    hidden = next(label for label, system in systems.items() if system == "reference" and label != "reference")
    by_label = dict(zip([item["label"] for item in step["stimuli"]], listener.sounds[step["step"]], strict=True))
    shown, copy = by_label["reference"], by_label[hidden]
    assert planned.sources["reference"] == planned.sources[hidden]
    assert shown.url != copy.url
    assert shown.headers["etag"] != copy.headers["etag"]
    assert len(shown.content) != len(copy.content)
    assert samples_of(shown.content) == samples_of(copy.content)
    sizes = [len(response.content) for response in by_label.values()]
    assert len(set(sizes)) == len(sizes)


def test_two_listeners_never_share_a_url(visit, another):
    first = visit(design={"listeners": 30})
    seen: list[set[str]] = []
    for number in range(3):
        listener = another(first, number)
        listener.start()
        step, urls = listener.step(), set()
        while "step" in step:
            urls |= {item["url"] for item in step["stimuli"]}
            step = listener.answer(step).json()["next"]
        seen.append(urls)
    assert len(set.union(*seen)) == sum(map(len, seen)) > 15


def test_a_sound_opens_for_its_own_session_and_for_this_step_and_the_next_alone(visit, another):
    listener = visit(design={"listeners": 3})
    listener.start()
    step = listener.go_to("trial")
    url, ahead = "/" + step["stimuli"][0]["url"], ["/" + url for url in step["prefetch"]]
    response = listener.request("GET", url)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert [listener.request("GET", path).status_code for path in ahead] == [200] * len(ahead)
    stranger = another(listener, 1)
    assert stranger.request("GET", url).status_code == 401
    stranger.start()
    assert stranger.request("GET", url).status_code == 404
    following = listener.answer(step).json()["next"]
    assert listener.request("GET", url).status_code == 404
    assert ["/" + item["url"] for item in following["stimuli"]] == ahead or following["kind"] != "trial"


def test_the_cookie_opens_sounds_and_nothing_else(visit):
    listener = visit()
    cookie = listener.start().headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Path=/a" in cookie
    step = listener.go_to("trial")
    listener.token = ""
    assert listener.request("GET", "/" + step["stimuli"][0]["url"]).status_code == 200
    assert listener.request("GET", "/api/step").status_code == 401


def test_steps_hold_no_key_that_is_not_known_to_be_harmless(visit):
    listener = visit(screening={"headphones": ["woods", "milne"], "traps": 1, "training": 0})
    listener.start()
    step, kinds = listener.step(), []
    while "step" in step:
        kinds.append(step["kind"])
        assert set(step["public"]) <= PUBLIC_KEYS
        assert set(step) == STEP_KEYS
        step = listener.answer(step).json()["next"]
    assert kinds.count("headphones") == 12


def test_texts_of_the_author_are_cleaned_before_a_listener_sees_them(visit):
    text = '<p onclick="x()">We <b>ask</b></p><script>steal()</script><img src="http://e.org/pixel">'
    text += '<a href="javascript:x">l</a>'
    listener = visit(consent={"text": {"en": text}})
    listener.start()
    shown = listener.step()["public"]["text"]["en"]
    assert "<b>ask</b>" in shown
    for bad in ("script", "onclick", "img", "pixel", "steal", "href"):
        assert bad not in shown


def samples_of(content: bytes) -> bytes:
    """Read with Python's own reader, which knows nothing of ours."""
    with wave.open(io.BytesIO(content)) as file:
        return file.readframes(file.getnframes())
