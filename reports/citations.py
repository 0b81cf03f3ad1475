"""The literature behind the numbers, as a paper lists it."""

from __future__ import annotations

CITATIONS = {
    "pesq_wb": "ITU-T Recommendation P.862.2: Wideband extension to Recommendation P.862, 2007.",
    "pesq_nb": "ITU-T Recommendation P.862: Perceptual evaluation of speech quality (PESQ), 2001.",
    "stoi": "C. H. Taal, R. C. Hendriks, R. Heusdens, J. Jensen: An algorithm for intelligibility prediction of "
    "time-frequency weighted noisy speech. IEEE TASLP 19(7), 2011.",
    "estoi": "J. Jensen, C. H. Taal: An algorithm for predicting the intelligibility of speech masked by modulated noise "
    "maskers. IEEE/ACM TASLP 24(11), 2016.",
    "mcd": "R. F. Kubichek: Mel-cepstral distance measure for objective speech quality assessment. IEEE Pacific Rim "
    "Conference on Communications, Computers and Signal Processing, 1993.",
    "dnsmos": "C. K. A. Reddy, V. Gopal, R. Cutler: DNSMOS P.835: a non-intrusive perceptual objective speech quality "
    "metric to evaluate noise suppressors. ICASSP 2022.",
    "plcmos": "L. Diener, M. Purin, S. Sootla, A. Saabas, R. Aichner, R. Cutler: PLCMOS: a data-driven non-intrusive "
    "metric for the evaluation of packet loss concealment algorithms. Interspeech 2023.",
    "visqol": "M. Chinen, F. S. C. Lim, J. Skoglund, N. Gureev, F. O'Gorman, A. Hines: ViSQOL v3: an open source "
    "production ready objective speech and audio metric. QoMEX 2020.",
    "utmos": "T. Saeki, D. Xin, W. Nakata, T. Koriyama, S. Takamichi, H. Saruwatari: UTMOS: UTokyo-SaruLab system for "
    "VoiceMOS Challenge 2022. Interspeech 2022.",
    "dio": "M. Morise, F. Yokomori, K. Ozawa: WORLD: a vocoder-based high-quality speech synthesis system for real-time "
    "applications. IEICE Transactions on Information and Systems E99-D(7), 2016.",
    "voicing_error": "T. Nakatani, S. Amano, T. Irino, K. Ishizuka, T. Kondo: A method for fundamental frequency estimation "
    "and voicing decision: application to infant utterances recorded in real acoustical environments. Speech Communication "
    "50(3), 2008.",
    "f0_frame_error": "W. Chu, A. Alwan: Reducing F0 frame error of F0 tracking algorithms under noisy conditions with an "
    "unvoiced/voiced classification frontend. ICASSP 2009.",
    "speaker_similarity": "L. Wan, Q. Wang, A. Papir, I. Lopez Moreno: Generalized end-to-end loss for speaker "
    "verification. ICASSP 2018.",
    "cr2": "R. M. Bell, D. F. McCaffrey: Bias reduction in standard errors for linear regression with multi-stage samples. "
    "Survey Methodology 28(2), 2002.",
    "yuen": "K. K. Yuen: The two-sample trimmed t for unequal population variances. Biometrika 61(1), 1974.",
    "holm": "S. Holm: A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6(2), "
    "1979.",
    "tost": "D. J. Schuirmann: A comparison of the two one-sided tests procedure and the power approach for assessing the "
    "equivalence of average bioavailability. Journal of Pharmacokinetics and Biopharmaceutics 15(6), 1987.",
}

CITED_BY_METRIC = (
    ("pesq_wb", ("pesq_wb",)),
    ("pesq_nb", ("pesq_nb",)),
    ("estoi", ("estoi",)),
    ("stoi", ("stoi",)),
    ("mcd", ("mcd",)),
    ("dnsmos", ("dnsmos",)),
    ("plcmos", ("plcmos",)),
    ("visqol", ("visqol",)),
    ("utmos", ("utmos",)),
    ("f0_frame_error", ("dio", "f0_frame_error")),
    ("f0", ("dio",)),
    ("voicing_error", ("dio", "voicing_error")),
    ("gross_pitch_error", ("dio", "voicing_error")),
    ("speaker_similarity", ("speaker_similarity",)),
)
"""How a metric's name begins, and what is cited then; the first that fits."""


def cited_by(metric: str) -> tuple[str, ...]:
    """Keys of CITATIONS for a metric by name; none where it is the harness's own."""
    return next((keys for beginning, keys in CITED_BY_METRIC if metric.startswith(beginning)), ())


class Bibliography:
    """Numbers references in the order in which they are first cited."""

    def __init__(self) -> None:
        self._keys: list[str] = []

    def cite(self, *keys: str) -> str:
        """``[1, 2]``, or "" for nothing."""
        for key in keys:
            if key not in self._keys:
                self._keys.append(key)
        return f" [{', '.join(str(self._keys.index(key) + 1) for key in keys)}]" if keys else ""

    @property
    def references(self) -> list[str]:
        return [CITATIONS[key] for key in self._keys]
