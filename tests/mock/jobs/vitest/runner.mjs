// Node's test runner, as far as the jobs use it, in Vitest's words.
export const [before, after] = [beforeAll, afterAll];
export const test = (name, job) => it(name, () => job({ name }));
