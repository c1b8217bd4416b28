// The same jobs under Vitest: what they use of Node's runner is made of Vitest's.
export default {
  resolve: { alias: { "node:test": new URL("./runner.mjs", import.meta.url).pathname } },
  server: { fs: { strict: false } },
  test: { globals: true, include: ["**/*.test.mjs"], cache: false },
};
