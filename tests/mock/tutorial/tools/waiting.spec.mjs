import { expect, test } from "./fixtures.mjs";

async function say(page, text) {
  await page.goto("/");
  await page.getByLabel("Message").fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

test("asks where to go", async ({ page, scenario }) => {
  const call = { name: "ask_address", arguments: { question: "Where to?" }, client: true };
  await scenario.rules([{ when: "a trip", steps: [{ tool_calls: [call] }, { text: "To {{tool.result}}, then." }] }]);
  await say(page, "a trip");
  await page.getByLabel("Address").fill("Oslo");
  await page.getByRole("button", { name: "Answer" }).click();
  await expect(page.getByRole("log")).toContainText("To Oslo, then.");
});

test("asks before it deletes", async ({ page, scenario }) => {
  const call = { name: "delete_file", arguments: { name: "old.txt" }, approval: true, result: "deleted" };
  await scenario.rules([{ when: "clean up", steps: [{ tool_calls: [call] }, { text: "It is {{tool.result}}." }] }]);
  await say(page, "clean up");
  await page.getByRole("button", { name: "Yes" }).click();
  await expect(page.getByRole("log")).toContainText("It is deleted.");
});
