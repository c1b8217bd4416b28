import { expect, test } from "./fixtures.mjs";

const whole = "One two three four.";
// What the wire does, what the page shows of the answer, and what it says below.
const faults = [
  ["delay=1", whole],
  ["split=3", whole],
  ["buffered", whole],
  ["silence.after=4,silence.seconds=1", whole],
  ["repeat=5", "One two two three four."],
  ["status=429,retry_after=1", "", "The mock was asked for this error."],
  ["cut=5", "One two", "network error"],
  ["end=5", "One two", "The answer was cut off."],
  ["late_error=5", "One two", "The mock was asked for this error."],
  ["unknown_line=5", "One", "Type validation failed"],
];

for (const [asked, shown, said] of faults) {
  test(asked, async ({ page, scenario }) => {
    await scenario.rules([{ text: whole }]);
    await page.setExtraHTTPHeaders({ ...scenario.headers, "x-mock": asked });
    await page.goto("/");
    await page.getByLabel("Message").fill("hi");
    await page.getByRole("button", { name: "Send" }).click();
    await expect(page.getByRole("log")).toHaveText(shown);
    if (said) {
      await expect(page.getByRole("alert")).toContainText(said);
      await page.setExtraHTTPHeaders(scenario.headers);
      await page.getByRole("button", { name: "Try again" }).click();
      await expect(page.getByRole("log")).toHaveText(whole);
    }
    await expect(page.getByRole("alert")).toBeHidden();
    await expect(page.getByRole("button", { name: "Send" })).toBeVisible();
  });
}
