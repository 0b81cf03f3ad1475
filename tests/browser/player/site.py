"""A server with the listeners' player, one page around it, and sounds that are made up."""

from __future__ import annotations

import io
import json
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import numpy as np
import soundfile

from listening_tests.page.texts import texts
from reports.visual import style

STATIC = Path(__file__).resolve().parents[3] / "listening_tests" / "page" / "static"
RATE = 48000

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
