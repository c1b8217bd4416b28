import { expect, test as base } from "@playwright/test";

import { mockBackend } from "./mock.mjs";

export { expect };

export const test = base.extend({
  mock: async ({ baseURL }, use) => use(await mockBackend()),
  scenario: async ({ mock, page }, use, testInfo) => {
    const scenario = await mock.scenario([], testInfo.titlePath.join(" "));
    await page.setExtraHTTPHeaders(scenario.headers);
    try {
      await use(scenario);
      expect((await scenario.report()).findings).toEqual([]);
    } finally {
      await testInfo.attach("journal", { body: JSON.stringify(await scenario.journal(), null, 2), contentType: "application/json" });
      await scenario.delete();
    }
  },
});
