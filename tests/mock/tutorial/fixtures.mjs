import { expect, test as base } from "@playwright/test";

import { mockBackend } from "./mock.mjs";

export { expect };

export const test = base.extend({
  mock: async ({ baseURL }, use) => use(await mockBackend()),
  scenario: async ({ mock, page }, use, { titlePath }) => {
    const scenario = await mock.scenario([], titlePath.join(" "));
    await page.setExtraHTTPHeaders(scenario.headers);
    await use(scenario);
    expect((await scenario.report()).findings).toEqual([]);
    await scenario.delete();
  },
});
