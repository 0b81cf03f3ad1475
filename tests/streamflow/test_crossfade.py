"""Cross-fading naive chunks: what agrees stays as it is, nothing comes later, and the stream stays a stream."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from streamflow.crossfade import CrossFade
from streamflow.errors import StrategyError
from streamflow.strategies import make_system
from streamflow.tiny import BLOCK


@given(frames=st.integers(0, 6), pieces=st.lists(st.integers(7, 20), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_pieces_that_agree_come_out_as_they_were(frames, pieces, seed):
    whole = torch.randn(sum(pieces), 3, generator=torch.Generator().manual_seed(seed))
    fade, stop, out = CrossFade(frames), 0, []
    for count in pieces:
        start, stop = stop - fade.held, stop + count
        out.append(fade.join(whole[start:stop], frames))
    if fade.held:
        out.append(fade.rest())
    torch.testing.assert_close(torch.cat(out), whole)


def test_one_piece_takes_over_from_the_other_by_a_raised_cosine():
    fade = CrossFade(4)
    assert fade.join(torch.zeros(10, 1), 4).shape == (6, 1)
    faded = fade.join(torch.ones(10, 1), 0)[:4, 0]
    torch.testing.assert_close(faded, torch.sin(torch.pi * (torch.arange(4) + 0.5) / 8) ** 2)


@pytest.mark.parametrize("crossfade", [0.13, 0.2])
@settings(max_examples=8, deadline=None)
@given(packs=st.lists(st.integers(0, 9), max_size=12), count=st.integers(1, 30))
def test_the_audio_does_not_depend_on_packing_and_lasts_as_long_as_its_tokens(
    bundle, request_, tokens, decode, crossfade, packs, count
):
    system = make_system("naive", bundle, crossfade=crossfade, hop=2, block=BLOCK, nfe=1)
    audio = decode(system(request_), tokens[:count])
    assert len(audio) == 640 * min(count, len(tokens))
    np.testing.assert_array_equal(decode(system(request_), tokens[:count], packs), audio)


def test_without_crossfade_the_audio_is_that_of_butted_chunks_to_the_last_bit(bundle, request_, tokens, decode):
    options = {"hop": 2, "block": BLOCK, "nfe": 2}
    plain = decode(make_system("naive", bundle, **options)(request_), tokens)
    np.testing.assert_array_equal(
        decode(make_system("naive", bundle, crossfade=0.0, **options)(request_), tokens), plain
    )
    faded = decode(make_system("naive", bundle, crossfade=0.2, **options)(request_), tokens)
    assert not np.array_equal(faded, plain)


def test_a_crossfade_does_not_delay_the_first_sound(bundle, request_, tokens):
    system = make_system("naive", bundle, crossfade=0.2, block=24, hop=2)
    assert system.algorithmic_latency_s == make_system("naive", bundle, block=24, hop=2).algorithmic_latency_s
    session, needed = system(request_), round(system.algorithmic_latency_s * 25)
    came = [bool(list(session.push(token[None]))) for token in tokens[:needed]]
    assert came == [False] * (needed - 1) + [True]


def test_seams_lie_in_the_middle_of_the_fade(bundle, request_, tokens):
    session = make_system("naive", bundle, crossfade=0.2, block=20, hop=1)(request_)
    chunks = [chunk for token in tokens for chunk in session.push(token[None])] + list(session.finish())
    seams = [chunk.seam_sample for chunk in chunks if chunk.seam_sample]
    assert seams[:3] == [160 * (20 * number - 2) for number in (1, 2, 3)]


@pytest.mark.parametrize("crossfade", [-0.1, 0.21, float("nan")])
def test_a_fade_of_more_than_a_fifth_of_a_hop_is_refused(bundle, crossfade):
    with pytest.raises(StrategyError, match="crossfade"):
        make_system("naive", bundle, crossfade=crossfade)
