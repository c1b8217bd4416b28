// The jobs in JavaScript, for Node's own test runner, and for Vitest with what is in the folder beside this file.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { mockBackend } from "../../../clients/js/mock.mjs";

let mock;
before(async () => (mock = await mockBackend()));

/** A front end's client: the lines of an answer, and `cut` if it was cut. It waits where it is asked to. */
async function lines(s, text, more = {}, headers = {}) {
  const login = { authorization: `Basic ${btoa(s.login)}`, userid: s.userid };
  const asked = { method: "POST", headers: { ...s.headers, ...login, ...headers }, body: JSON.stringify({ message: text, ...more }) };
  const response = await fetch(`${s.url}/chat`, asked);
  let body = "";
  const decoder = new TextDecoder();
  try {
    for await (const piece of response.body) body += decoder.decode(piece, { stream: true });
  } catch {
    body += "cut";
  }
  return body.trimEnd().split("\n");
}
const ask = async (...asked) =>
  (await lines(...asked)).filter((line) => line.startsWith("0:")).map((line) => JSON.parse(line.slice(2))).join("");

/** The list that answers the call of an answer's lines. */
function resultOf(asked, content) {
  const { toolCallId } = JSON.parse(asked.find((line) => line.startsWith("9:")).slice(2));
  return [{ role: "assistant", content: "" }, { role: "tool", tool_call_id: toolCallId, content }];
}

test("start it and get an address", async (t) => {
  await using s = await mock.scenario([], t.name);
  assert.ok(await ask(s, "hi"));
});

test("this answer for this prompt", async (t) => {
  await using s = await mock.scenario([{ when: "hi", text: "Hello!" }], t.name);
  assert.equal(await ask(s, "hi"), "Hello!");
});

test("a tool call, then words", async (t) => {
  const call = { name: "get_current_time", arguments: { timezone: "Europe/Oslo" } };
  await using s = await mock.scenario([{ when: "time", steps: [{ tool_calls: [call] }, { text: "It is late." }] }], t.name);
  assert.ok((await lines(s, "time")).some((line) => line.startsWith("a:")));
});

test("busy, then an answer", async (t) => {
  const busy = { kind: "status", status: 429, retry_after_ms: 10 };
  await using s = await mock.scenario([{ when: "hi", times: 1, fault: busy }, { text: "Hello!" }], t.name);
  assert.equal(await ask(s, "hi"), "Hello!");
  assert.deepEqual((await s.report()).findings, []);
});

test("a cut in mid-stream", async (t) => {
  await using s = await mock.scenario([], t.name);
  assert.equal((await lines(s, "hi", {}, { "x-mock": "cut=2" })).at(-1), "cut");
});

test("slow tokens", async (t) => {
  await using s = await mock.scenario([{ text: ["one ", "two ", "three"], tokens_per_second: 20 }], t.name);
  const began = Date.now();
  assert.equal(await ask(s, "hi"), "one two three");
  assert.ok(Date.now() - began >= 95);
});

test("a stream that is held still", async (t) => {
  await using s = await mock.scenario([{ text: ["one ", "two ", "three"], hold: 1 }], t.name);
  const answer = ask(s, "hi");
  assert.equal((await s.held()).length, 1);
  assert.equal(await s.release(), 1);
  assert.equal(await answer, "one two three");
});

test("a call that waits for the front end", async (t) => {
  const form = { name: "ask_form", arguments: {}, client: true };
  await using s = await mock.scenario([{ steps: [{ tool_calls: [form] }, { text: "To {{tool.result}}, then." }] }], t.name);
  const asked = await lines(s, "a trip", { id: "trip" });
  assert.equal(await ask(s, "", { id: "trip", messages: resultOf(asked, "Oslo") }), "To Oslo, then.");
  assert.deepEqual((await s.report()).findings, []);
});

test("the content filter", async (t) => {
  await using s = await mock.scenario([{ when: "bomb", fault: { kind: "prompt_filter" } }], t.name);
  assert.match((await lines(s, "bomb"))[1], /^3:"/);
});

test("embeddings", async (t) => {
  await using s = await mock.scenario([{ kind: "embedding", fault: { kind: "status", status: 400 } }], t.name);
  const asked = { method: "POST", headers: { "api-key": s.name }, body: JSON.stringify({ model: "text-embedding-3-small", input: "fox" }) };
  assert.equal((await fetch(`${mock.emulatorUrl}/v1/embeddings`, asked)).status, 400);
  assert.deepEqual((await s.journal({ on: "embedding" })).map((call) => call.status), [400]);
});

test("an image", async (t) => {
  await using s = await mock.scenario([{ kind: "image", when: "fox", delay: 0.1 }], t.name);
  assert.match(await ask(s, "fox", { mode: "image" }), /^!\[Generated Image\]\(http/);
});

test("the next answer only once, what was sent", async (t) => {
  await using s = await mock.scenario([], t.name);
  await s.next({ text: "Only once." });
  assert.equal(await ask(s, "hi"), "Only once.");
  assert.notEqual(await ask(s, "hello"), "Only once.");
  assert.deepEqual((await s.journal({ side: "front" })).map((call) => call.body.message), ["hi", "hello"]);
});

test("reset", async (t) => {
  await using s = await mock.scenario([{ text: "Never." }], t.name);
  await s.rules([]);
  assert.notEqual(await ask(s, "hi"), "Never.");
});

test("a verdict", async (t) => {
  await using s = await mock.scenario([], t.name);
  await Promise.all([ask(s, "hi"), ask(s, "hi")]);
  assert.deepEqual((await s.report()).findings.map((finding) => finding.code), ["double_send"]);
});

test("a scenario is gone when its block is over", async (t) => {
  let left;
  {
    await using s = await mock.scenario([], t.name);
    left = s;
  }
  await assert.rejects(left.journal(), /404/);
});

test("a script with problems is refused with all of them", async (t) => {
  await assert.rejects(mock.scenario([{ wen: "hi" }, { text: 3 }], t.name), /422 .*did_you_mean/);
});

test("a name is made of any test's", async () => {
  await using s = await mock.scenario([{ text: "Hello!" }], "a chat › ends, oddly / at ü");
  assert.equal(await ask(s, "hi"), "Hello!");
});

after(() => mock.close());
