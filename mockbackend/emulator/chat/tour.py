"""The answers to "help" and to the chat page's examples: they show what a front end may have to render."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ...mock.script.rules import Citation

WORD = re.compile(r"\w+")
PROTOCOL = Citation("https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol", "AI SDK UI: Stream Protocols")


@dataclass(frozen=True, slots=True)
class Tour:
    """An answer that is written down: what is thought before the tools are called, what is said then, what is cited."""

    reasoning: str
    text: str
    citations: tuple[Citation, ...] = (PROTOCOL,)


# The service's own tools that it calls first, where they are offered.
TOOLS = ("get_current_time", "search_documents")

_HELP = Tour(
    "Somebody asks what there is to see. I call the tools that I have, and then show one of everything: headings, a "
    "list, a table, code, formulas, and how to script what I say.",
    r"""# What you can try here

No model answers here but the built-in **emulator**. It calls tools, reads documents and draws; else it repeats you.

## Things to write

| write | and see |
|---|---|
| `What time is it in Berlin?` | a tool called, and its result |
| `Draw a lighthouse in fog` | an image |
| `What do my documents say about …?` | what a file says that you have dropped in, with the place |
| `Explain how an answer is streamed` | the stream, line by line |
| `/mock help` | every fault that a stream can have |

## What an answer may hold

1. *Reasoning*, which stands above
2. Tool calls with their results
   - side by side, if there are several
   - each with an id of its own
3. Sources, which stand below
4. Formulas, in a line as in \( e^{i\pi} + 1 = 0 \), or by themselves:

$$ \int_0^1 x^2 \, dx = \frac{1}{3} $$

## Script the answers

This is `script.yaml`, in which a rule answers the questions that it fits:

```yaml
rules:
  - {when: weather, text: It is sunny., tokens_per_second: 20}
  - {when: busy, times: 1, fault: {kind: status, status: 429, retry_after: 1}}
```

```sh
uv run mockbackend serve --script script.yaml
```

A test in Python, whose fixture starts everything, can do the same and judge the client as well:

```python
def test_weather(mock_backend):
    mock_backend.rules([{"when": "weather", "text": "It is sunny."}])
    ...
    mock_backend.assert_well_behaved()
```

> `docs/testing.md` tests a front end in ten minutes, `docs/emulator.md` has all that a script can say.
""",
)
_STREAM = Tour(
    "I should explain streaming. An example says more than words, so I show the lines and a program that reads them.",
    r"""# How an answer is streamed

The response begins before the answer is known. Each **event** is a line, sent as soon as it happens:

| line | event |
|---|---|
| `f:` | a step begins |
| `g:` | the model thinks |
| `0:` | words |
| `9:` and `a:` | a tool is called, and has answered |
| `e:` and `d:` | a step ends, the answer ends |

## An example

```
f:{"messageId":"msg-1"}
0:"Hel"
0:"lo!"
d:{"finishReason":"stop","usage":{"promptTokens":2,"completionTokens":2}}
```

1. Split what arrives at line breaks.
2. Parse what follows the colon as JSON.
3. Append each `0:` to the message.

```js
for await (const line of lines(response.body)) {
  if (line.startsWith("0:")) message.textContent += JSON.parse(line.slice(2));
}
```

```python
for line in response.iter_lines():
    if line.startswith("0:"):
        print(json.loads(line[2:]), end="", flush=True)
```

If \( n \) tokens come at \( r \) tokens a second, the first is read after \( t_0 \) instead of all of them after

$$ t_0 + \frac{n}{r} $$

The button above shows the lines of this very answer. Write `help` to see what else you can try.
""",
)
_QUESTIONS: Mapping[str, Tour] = {
    **dict.fromkeys(
        ("help", "help me", "what can you do", "what can i do", "what can i do here", "what can i try"), _HELP
    ),
    **dict.fromkeys(
        ("explain how an answer is streamed", "explain how an answer is streamed with a short example"), _STREAM
    ),
}


def tour_of(question: str) -> Tour | None:
    """The tour that somebody asks for, in these words and no others."""
    return _QUESTIONS.get(" ".join(WORD.findall(question[:100].casefold())))
