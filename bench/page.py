"""Frames of the page while an answer streams: `python -m bench.page [--rate N] [--seconds N]`.

It needs a screen's worth of CPU for itself: on a machine that does something else the figures are of that.
"""

import argparse
import json
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from statistics import quantiles

from playwright.sync_api import CDPSession, sync_playwright

from tests.harness.service import Server
from tests.page.visiting import ARGUMENTS, BROWSER, Visitor

LEAST = 57.0  # of 60 frames a second: a clock of 60 Hz that is read for some seconds gives 59 or 60
LINES = (
    "Some words of an answer, as *they* come, with `code` in them.\n\n",
    "- one thing\n- another thing\n\n",
    "```python\nfor line in stream:\n    print(line)\n```\n\n",
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n",
)
WATCH = """() => {
    window.frames_ = [];
    window.shift = 0;
    const tick = (now) => { frames_.push(now); requestAnimationFrame(tick); };
    requestAnimationFrame(tick);
    new PerformanceObserver((list) => {
        for (const {value} of list.getEntries()) shift += value;
    }).observe({type: "layout-shift"});
}"""


def answer(tokens: int) -> str:
    """Markdown of about this many tokens: the emulator sends a word and its space as one."""
    text = ""
    while len(text.split()) < tokens:
        text += LINES[text.count("\n\n") % len(LINES)]
    return text


def measure(rate: int, seconds: int) -> tuple[list[float], float, float]:
    """The milliseconds between frames while an answer streams, the page's CPU seconds, and how much jumped in all."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        script = Path(folder) / "script.yaml"
        rule = {"when": "stream", "text": answer(rate * seconds), "tokens_per_second": rate}
        script.write_text(json.dumps({"rules": [rule]}))
        with Server(Path(folder), {"MOCK_SCRIPT": str(script)}) as server:
            browser = playwright.chromium.launch(executable_path=BROWSER, args=ARGUMENTS)
            page = browser.new_page()
            visitor = Visitor(page, server.url, "bench").sign_in()
            page.evaluate(WATCH)
            said = visitor.say("stream")
            said.locator(".block").first.wait_for()
            counters = page.context.new_cdp_session(page)
            counters.send("Performance.enable", {"timeDomain": "threadTicks"})
            page.evaluate("frames_.length = 0")
            before = busy(counters)
            page.locator("#stop").wait_for(state="hidden", timeout=(seconds + 60) * 1000)
            spent = busy(counters) - before
            at: list[float] = page.evaluate("frames_")
            shift: float = page.evaluate("shift")
            browser.close()
    return [after - before for before, after in pairwise(at)], spent, shift


def busy(counters: CDPSession) -> float:
    """The CPU seconds of the page's main thread so far."""
    metrics = {one["name"]: one["value"] for one in counters.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])


def main() -> int:
    """Print the figures; return 1 if the page falls behind the screen."""
    parser = argparse.ArgumentParser(prog="python -m bench.page", description="Count the page's frames.")
    parser.add_argument("--rate", type=int, default=200, help="tokens per second (default: 200)")
    parser.add_argument("--seconds", type=int, default=10, help="length of the answer (default: 10)")
    chosen = parser.parse_args()
    gaps, spent, shift = measure(chosen.rate, chosen.seconds)
    per_second = 1000 * len(gaps) / sum(gaps)
    p95 = quantiles(gaps, n=20)[-1]
    cells = {
        "tokens a second": f"{chosen.rate}",
        "frames a second": f"{per_second:.1f}",
        "ms between frames, p95 (most)": f"{p95:.1f} ({max(gaps):.1f})",
        "CPU of the page": f"{100_000 * spent / sum(gaps):.0f} %",
        "layout shift": f"{shift:.4f}",
    }
    for row in (cells, dict.fromkeys(cells, "---").values(), cells.values()):
        print(f"| {' | '.join(row)} |")
    return 1 if per_second < LEAST or shift else 0


if __name__ == "__main__":
    sys.exit(main())
