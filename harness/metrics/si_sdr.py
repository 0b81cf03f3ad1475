"""Why SI-SDR is no metric here."""

from __future__ import annotations

REFUSED = (
    "SI-SDR compares waveforms sample by sample, and generated speech keeps no waveform: one sample of delay at 16 kHz "
    "costs all but 7 dB, while the same speech with its polarity flipped is perfect at 185 dB; "
    "use pesq_wb, mel_distance or log_spectral_distance"
)
"""Answered to whoever asks for it; figures measured on natural speech (Le Roux et al., ICASSP 2019, define the measure)."""
