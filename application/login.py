"""The page at the door, in the application's look. It fetches nothing: before the door nothing is given away."""

from __future__ import annotations

import html

from reports.visual import style

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>Log in · StreamFlow Harness</title><style>{style}
body {{ font: var(--size-3)/1.5 var(--text); color: var(--ink); background: var(--ground); margin: 0; }}
main {{ max-width: 24rem; margin: 12vh auto 0; padding: var(--gap-5); box-sizing: border-box; }}
h1 {{ font-size: var(--size-5); line-height: 1.2; margin: 0 0 var(--gap-4); }}
label {{ display: block; margin: 0 0 var(--gap-4); }}
input, button {{ font: inherit; min-height: var(--touch); width: 100%; box-sizing: border-box; padding: 0 var(--gap-3);
  border-radius: var(--corner); }}
input {{ color: var(--ink); background: var(--page); border: 1px solid var(--edge); margin-top: var(--gap-1); }}
button {{ color: var(--accent-ink); background: var(--accent); border: 1px solid var(--accent); cursor: pointer; }}
button:hover {{ background: var(--accent-strong); }}
:focus-visible {{ outline: 2px solid var(--focus); outline-offset: 2px; }}
[role=alert] {{ color: var(--bad); }} p {{ color: var(--quiet); }}
</style></head><body><main><h1>StreamFlow Harness</h1>
<form method="post"><label>{label}<input name="secret" type="password" autocomplete="current-password" required autofocus
value="{value}"></label><input type="hidden" name="next" value="{next}"><button>Log in</button></form>
<p role="alert">{message}</p><p>{hint}</p></main></body></html>"""
HINTS = {
    "One-time token": "It is in the terminal that python app.py was started in, and works once.",
    "Password": "The one that the server was started with.",
}


def login_page(label: str, value: str, message: str, target: str) -> str:
    """The form.

    Args:
        label: what is asked for, a key of HINTS.
        value: filled in already.
        message: what was wrong with the last attempt.
        target: where to go afterwards, a path of this server.
    """
    said = {"label": label, "value": value, "message": message, "next": target, "hint": HINTS.get(label, "")}
    return PAGE.format(style=style(), **{name: html.escape(text) for name, text in said.items()})
