"""What the emulator says to the page's tests, and at which pace."""

from __future__ import annotations

import itertools
from typing import Any

Rule = dict[str, Any]

CODE = '```python\nfor line in stream:\n    print(line, end="")\n```'
FORMULAS = r"""A root $x_1^{*}$ costs $5, not $6, and \(a_1 * b_1 * c\) is short.

\[
\begin{aligned} a_1 &= b \\ &= c \end{aligned}
\]

Broken: $\frac{a$ and \(\unheardof{x}\).

| size | code |
|---|---|
| $|x|$ | `$x$` |
"""
HOSTILE = """Before.

<script>window.hacked = "script"</script>

<img src=x onerror="window.hacked = 'onerror'">

<iframe src="https://evil.example/frame"></iframe>

<style>body { display: none }</style>

<svg onload="window.hacked = 'svg'"><a href="javascript:window.hacked='svg link'">x</a></svg>

<a href="javascript:window.hacked='html link'" onclick="window.hacked='onclick'">raw link</a>

[script link](javascript:window.hacked='link') and [data link](data:text/html,<script>alert(1)</script>)

[entity link](&#106;avascript:window.hacked='entity') and [tabbed](java\tscript:window.hacked='tab')

[relative link](/conversations) and [good link](https://good.example/path?a=1&b=2)

![foreign picture](https://evil.example/pixel.png) ![data picture](data:image/svg+xml,<svg/onload=1>)

![quote" onerror="window.hacked='alt'](https://evil.example/a.png "title" onerror=1)

![ours?](/conversations) ![livez](/livez)

| a | b |
|---|---|
| <script>window.hacked = "cell"</script> | <form action="https://evil.example"><input name=q></form> |

```html" onclick="window.hacked='language'
<script>window.hacked = "code"</script>
```

After."""


MAIL = {
    "name": "send_mail",
    "arguments": {"to": "ada@example.com", "text": "<b>Grüße</b>\nשלום \u202eexe", "copies": 2},
    "approval": True,
    "result": {"sent": "ada"},
}
OTHER_MAIL = {"name": "sendMail", "arguments": {}, "approval": True, "result": {"sent": "ben"}}
FORM = {"name": "ask_form", "arguments": {"question": "Where to?"}, "client": True}


def long_answer() -> str:
    """5,000 words with headings, lists and code, as a talkative model has them."""
    words = (f"word{number}" for number in itertools.count(1))
    parts = ["# A long answer"]
    for section in range(1, 26):
        parts.append(f"## Part {section}")
        parts.append(" ".join(itertools.islice(words, 120)) + " **and** `so` on.")
        parts.append("\n".join("- " + " ".join(itertools.islice(words, 8)) for _ in range(5)))
        parts.append("```js\n" + "\n".join(" ".join(itertools.islice(words, 5)) for _ in range(8)) + "\n```")
    return "\n\n".join([*parts, "The end of it."])


def rules() -> list[Rule]:
    """The script's rules. What holds a stream is the emulator's silence, which a stop ends."""
    held = "one two three four five six seven eight nine ten"
    return [
        {"when": "long answer", "text": long_answer(), "tokens_per_second": 4000},
        {"when": "paced", "text": " ".join(f"step{n}" for n in range(1, 61)) + " done.", "tokens_per_second": 15},
        {"when": "hold", "text": held, "fault": {"kind": "stall", "after": 6, "seconds": 600}},
        {"when": "hostile", "text": HOSTILE},
        {"when": "show me code", "text": f"Some code:\n\n{CODE}\n\nThat is all."},
        {"when": "formulas", "text": FORMULAS, "tokens_per_second": 200},
        {"when": "definition", "text": "See [the text][t].\n\nMore.\n\n[t]: https://good.example/text\n"},
        {"when": "reasons", "reasoning": "Let me think.", "text": "It is so."},
        {
            "when": "the mail",
            "steps": [
                {"text": "I have written it.", "tool_calls": [MAIL]},
                {"text": "Done: {{tool.result}} one two three four", "hold": 3},
            ],
        },
        {"when": "a slow mail", "steps": [{"text": held, "hold": 3, "tool_calls": [MAIL]}, {"text": "It is sent."}]},
        {"when": "both mails", "steps": [{"tool_calls": [MAIL, OTHER_MAIL]}, {"text": "Both are done."}]},
        {"when": "a form", "steps": [{"tool_calls": [FORM]}, {"text": "It says: {{tool.result}}"}]},
        {
            "when": "a chart",
            "steps": [
                {
                    "tool_calls": [{"name": "get_current_time", "arguments": {"timezone": "UTC"}}],
                    "data_parts": [
                        {"name": "chart", "id": "c1", "data": {"points": [1]}},
                        {"name": "note", "id": "n", "data": "<b>bold</b> שלום"},
                    ],
                },
                {
                    "text": held,
                    "hold": 6,
                    "data_parts": [
                        {"name": "status", "data": {"text": "half way"}, "transient": True},
                        {"name": "chart", "id": "c1", "data": {"points": [1, 2]}},
                    ],
                },
            ],
        },
        {"when": "unicode", "text": "Grüße, 世界 👩‍🚀 — Ende."},
        {
            "when": "mars",
            "steps": [
                {"tool_calls": [{"name": "get_current_time", "arguments": {"timezone": "Mars/Base"}}]},
                {"text": "No clock there."},
            ],
        },
        {"when": "break once", "times": 1, "text": held, "fault": {"kind": "cut", "after": 3}},
        {"when": "break once", "text": "It holds now."},
        {"when": "busy", "times": 1, "fault": {"kind": "status", "status": 429, "retry_after": 2}},
        {"when": "busy", "text": "Free again."},
        {"kind": "image", "when": "slow fox", "delay": 1.5},
        {"kind": "image", "when": "endless fox", "delay": 600},
    ]
