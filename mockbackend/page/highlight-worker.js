// A worker that finds keywords, strings and the like in code. It fetches the grammar of a language when that is first needed.

import hljs from "./vendor/highlight.js";

addEventListener("message", async ({ data: { text, languages } }) => {
  // Code nested too deeply for the stack stays without colours.
  postMessage(await runsOf(text, languages).catch(() => null));
});

/** The text as runs, `[length, kind]`, in their order. */
async function runsOf(text, languages) {
  for (const name of languages) {
    if (!hljs.getLanguage(name)) hljs.registerLanguage(name, (await import(`./vendor/highlight.${name}.js`)).default);
  }
  const runs = [];
  collect(hljs.highlight(text, { language: languages[0], ignoreIllegals: true })._emitter.root, "", runs);
  return runs;
}

function collect(node, kind, runs) {
  for (const child of node.children) {
    if (typeof child === "string") runs.push([child.length, kind]);
    else collect(child, child.scope && !child.scope.startsWith("language:") ? child.scope.split(".")[0] : kind, runs);
  }
}
