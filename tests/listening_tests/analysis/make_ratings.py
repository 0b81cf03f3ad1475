"""Ratings frames by simulation, for tests of analyses and of the study report; nothing of the code under test is used."""

from __future__ import annotations

import numpy as np
import pandas

from listening_tests.model import ANCHOR_LOW, ANCHOR_MID, RATING_COLUMNS, REFERENCE
from listening_tests.study import Exclusion, Screening, Study

SYSTEMS = ("full", "naive", "streamflow-sr")
QUALITY = {"full": 4.1, "naive": 2.9, "streamflow-sr": 3.9, REFERENCE: 5.0, ANCHOR_LOW: 1.6, ANCHOR_MID: 3.0}


def make_study(protocol: str, systems: tuple[str, ...] = SYSTEMS, **changes: object) -> Study:
    screening = Screening(traps=2, repeats=2, identical=2, headphones=("woods",))
    return Study(
        title="A test", protocol=protocol, systems=systems, screening=screening, exclusion=Exclusion(), **changes
    )


def make_ratings(
    protocol: str, listeners: int = 12, sentences: int = 9, seed: int = 0, bots: int = 2
) -> pandas.DataFrame:
    """Every role; the last ``bots`` listeners answer at random and fail the traps."""
    rng = np.random.default_rng(seed)
    sentence_effect = rng.normal(0, 0.3, sentences)
    rows: list[dict] = []
    for listener in range(listeners):
        bot, own = listener >= listeners - bots, rng.normal(0, 0.4)
        taste = {name: rng.normal(0, 0.2) for name in QUALITY}
        for sentence in range(sentences):
            context = {"listener": f"L{listener:02d}", "slot": listener, "position": 5 + sentence, "protocol": protocol,
                       "sentence": f"s{sentence}", "role": "main"}  # fmt: skip

            def hear(
                system: str, sentence: int = sentence, bot: bool = bot, own: float = own, taste: dict = taste
            ) -> float:
                spread = rng.normal(0, 0.5)
                return (
                    rng.uniform(1, 5)
                    if bot
                    else QUALITY[system] + own + taste[system] + sentence_effect[sentence] + spread
                )

            rows += [{**context, **row} for row in _answers(protocol, hear, listener, sentence, rng, bot)]
        rows += _checks(protocol, listener, rng, bot, rows)
    return frame_of(rows, seed)


def frame_of(rows: list[dict], seed: int = 0) -> pandas.DataFrame:
    rng = np.random.default_rng(seed)
    usual = {"study": "a", "listener": "L", "slot": 0, "position": 0, "role": "main", "protocol": "", "sentence": "s",
             "condition": "", "label": "A", "system": "", "against": "", "value": 0.0, "truth": "", "response": "",
             "order": 0, "coverage": 1.0, "underruns": 0, "answered_at": "2026-11-21T05:00:00+00:00"}  # fmt: skip
    full = [{**usual, "elapsed_s": float(rng.uniform(6, 12)), **row} for row in rows]
    return pandas.DataFrame(full)[list(RATING_COLUMNS)]


def _answers(protocol, hear, listener, sentence, rng, bot):
    system = SYSTEMS[(listener + sentence) % 3]
    pairs = [("full", "naive"), ("full", "streamflow-sr"), ("naive", "streamflow-sr")]
    base, other = pairs[(listener + sentence) % 3]
    order = (listener // 3 + sentence) % 2
    if protocol == "mushra":
        for place, name in enumerate((*SYSTEMS, REFERENCE, ANCHOR_LOW, ANCHOR_MID)):
            value = float(
                np.clip(round(rng.uniform(0, 100) if bot else 98 if name == REFERENCE else 20 * hear(name)), 0, 100)
            )
            yield {"label": str(place + 1), "system": name, "value": value, "response": f"{value:g}", "order": place}
    elif protocol in ("ccr", "ab"):
        distance = hear(other) - hear(base)
        value = (
            float(np.clip(round(distance), -3, 3))
            if protocol == "ccr"
            else 0.5
            if abs(distance) < 0.3
            else float(distance > 0)
        )
        shown = value if order else -value if protocol == "ccr" else 1 - value
        yield {"system": other, "against": base, "value": value, "response": str(shown), "order": order}
    elif protocol in ("abx", "same-different"):
        heard = not bot and rng.random() < abs(QUALITY[other] - QUALITY[base])
        same = protocol == "same-different"
        truth = rng.choice(["same", "different"] if same else ["A", "B"])
        guess = rng.choice(["same", "same", "different"] if same else ["A", "B"])
        said = truth if heard else guess
        value = float(said == "different") if same else float(said == truth)
        yield {"system": other, "against": base, "value": value, "truth": truth, "response": said, "order": order}
    elif protocol == "seam-locating":
        for seam in range(4):
            hit = float(rng.random() < {"full": 0.1, "naive": 0.7, "streamflow-sr": 0.2}[system])
            yield {
                "system": system,
                "value": hit,
                "truth": "seam",
                "response": f"{seam}.5" if hit else "",
                "order": seam,
            }
        yield {"system": system, "value": float(rng.random() < 0.3), "truth": "none"}
    else:
        value = float(np.clip(round(hear(system)), 1, 5))
        yield {"system": system, "value": value, "response": f"{value:g}"}


def _checks(protocol, listener, rng, bot, rows):
    who = {"listener": f"L{listener:02d}", "slot": listener, "protocol": protocol}
    for place in range(2):
        wrong = bot or (rng.random() < 0.05 and place)
        yield {**who, "role": "trap", "position": 50 + place, "sentence": f"s{place}", "system": "full",
               "value": float(not wrong), "truth": "3", "response": "rated" if wrong else "3"}  # fmt: skip
        main = [
            row
            for row in rows
            if row["listener"] == who["listener"] and row["sentence"] == f"s{place}" and row["role"] == "main"
        ]
        yield from ({**row, "role": "repeat", "position": 60 + place} for row in main)
        if protocol in ("ab", "ccr", "same-different"):
            yield {**who, "role": "identical", "position": 70 + place, "sentence": f"s{place}", "system": "full",
                   "against": "full", "value": float(bot), "truth": "same"}  # fmt: skip


def make_sessions(listeners: int = 12, unfinished: int = 1) -> pandas.DataFrame:
    names = [f"L{number:02d}" for number in range(listeners)]
    table = pandas.DataFrame({"listener": names, "complete": True, "headphones": "passed", "minutes": 9.5})
    table["participant"] = [f"p{number}" for number in range(listeners)]
    table.loc[1, "participant"] = "p0"
    table.loc[: unfinished - 1, "complete"] = False
    return table
