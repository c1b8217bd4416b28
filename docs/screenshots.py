"""Screenshots of the real page on the real service, into docs/screenshots.

Run with `uv run --group test python docs/screenshots.py`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.harness.service import Server  # noqa: E402
from tests.page.visiting import ARGUMENTS, BROWSER, Visitor  # noqa: E402

FOLDER = ROOT / "docs" / "screenshots"
MAX_BYTES = 200_000
TIME = "What time is it in Berlin?"
QUESTION = "How do I read the stream in a browser?"
ANSWER = """\
Read the body piece by piece, and take a line once its `\\n` is there. **A packet may end anywhere**, even in a letter:

```js
const decoder = new TextDecoder();
let rest = "";
for await (const bytes of response.body) {
  const lines = (rest + decoder.decode(bytes, { stream: true })).split("\\n");
  rest = lines.pop();
  for (const line of lines) take(line);
}
```

| code | what it brings |
|---|---|
| `0` | words of the answer |
| `9`, `a` | a tool call, and its result |
| `d` | the end |
"""
OTHERS = (
    "Plan three days in Lisbon",
    "Rename the release notes",
    "Why did my build get slower?",
    "Tea for a cold evening",
)


def main() -> None:
    """Take them all."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        script = Path(name) / "script.yaml"
        script.write_text(
            json.dumps({"rules": [{"when": "read the stream", "text": ANSWER, "tokens_per_second": 300}]})
        )
        browser = playwright.chromium.launch(executable_path=BROWSER, args=ARGUMENTS)
        with Server(Path(name), {"MOCK_SCRIPT": str(script)}) as server:
            for look in ("light", "dark"):
                _desk(browser, server, look)
            _phone(browser, server)
        browser.close()


def _desk(browser: Browser, server: Server, look: str) -> None:
    visitor = _visitor(browser, server, f"ada.{look}", look, 1280, 820)
    for text in OTHERS:
        visitor.button("New conversation").click()
        visitor.ask(text)
    visitor.option(OTHERS[0], "Pin")
    visitor.button("New conversation").click()
    for text in (TIME, QUESTION) if look == "light" else (QUESTION, TIME):
        visitor.ask(text)
    if look == "light":
        visitor.button("The wire").click()
        expect(visitor.page.locator("#wire li").last).to_contain_text("d:")
    _save(visitor, look)
    if look == "light":
        visitor.button("Close the wire").click()
        visitor.page.get_by_text("Image", exact=True).click()
        visitor.ask("A lighthouse in fog, seen from the water")
        image = visitor.page.get_by_role("img", name="Generated Image")
        expect(image).to_have_js_property("complete", True)
        _save(visitor, "image")


def _phone(browser: Browser, server: Server) -> None:
    visitor = _visitor(browser, server, "ada.phone", "light", 360, 720)
    visitor.ask(QUESTION)
    _save(visitor, "phone")


def _visitor(browser: Browser, server: Server, userid: str, look: str, width: int, height: int) -> Visitor:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if look == "dark" else "light",
        reduced_motion="reduce",
    )
    return Visitor(context.new_page(), server.url, userid).sign_in()


def _save(visitor: Visitor, name: str) -> None:
    visitor.box.focus()
    visitor.page.mouse.move(5, 5)
    path = FOLDER / f"{name}.png"
    visitor.page.screenshot(path=path, animations="disabled")
    if path.stat().st_size > MAX_BYTES:
        raise SystemExit(f"{path.name} is larger than {MAX_BYTES} bytes")


if __name__ == "__main__":
    main()
