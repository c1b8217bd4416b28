"""What the turn's tests ask, and what the emulator does then."""

from __future__ import annotations

WORDS = tuple(f"word{number} " for number in range(400))
PACE = 40
# Prompts that the tests use, and what the emulator does with them.
SCRIPT = f"""
rules:
  - when: "speak slowly"
    text: {list(WORDS)}
    tokens_per_second: {PACE}
  - when: "count to ten"
    text: {[f"{number} " for number in range(1, 11)]}
    tokens_per_second: 10
  - when: "time, then slowly"
    steps:
      - tool_calls: [{{name: get_current_time, arguments: {{timezone: Europe/Oslo}}}}]
      - text: {list(WORDS)}
        tokens_per_second: {PACE}
  - when: "search for the zebra"
    steps:
      - tool_calls: [{{name: search_documents, arguments: {{query: zebra}}}}]
      - text: "Found."
  - when: "paint slowly"
    steps:
      - text: "Wait. "
        tool_calls: [{{name: generate_image, arguments: {{prompt: "a slow picture"}}}}]
      - text: "Painted."
  - when: "paint a fox"
    steps:
      - tool_calls: [{{name: generate_image, arguments: {{prompt: "a red fox"}}}}]
      - text: "Here it is."
  - when: "write arguments slowly"
    tool_calls: [{{name: generate_image, arguments: {{prompt: "{"a long description " * 20}"}}}}]
    fragment: 4
    tokens_per_second: 20
  - when: "busy for long"
    fault: {{kind: status, status: 429, retry_after_ms: 15000}}
  - when: "fall silent"
    text: ["one ", "two ", "three "]
    fault: {{kind: stall, after: 2, seconds: 600}}
  - when: "never begin"
    first_token_after: 600
  - kind: image
    when: "slow picture"
    delay: 600
"""
