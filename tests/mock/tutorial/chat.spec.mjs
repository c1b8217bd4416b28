import { expect, test } from "./fixtures.mjs";

test("shows the answer", async ({ page, scenario }) => {
  await scenario.rules([{ when: "hi", text: "Hello!" }]);
  await page.goto("/");
  await page.getByLabel("Message").fill("hi");
  await page.getByRole("button").click();
  await expect(page.getByRole("log")).toHaveText("Hello!");
});
