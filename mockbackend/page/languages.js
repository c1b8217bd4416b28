// Programming languages: their names, what they are called in Markdown, and the grammars they need.

// Each with its further names; a grammar that needs others has them behind it.
const LANGUAGES = [
  ["Bash", "bash", "sh", "shell", "zsh", "console"],
  ["C", "c", "h"],
  ["C++", "cpp", "c++", "cc", "cxx", "hpp"],
  ["C#", "csharp", "c#", "cs"],
  ["CSS", "css"],
  ["Diff", "diff", "patch"],
  ["Go", "go", "golang"],
  ["INI", "ini"],
  ["Java", "java"],
  ["JavaScript", "javascript", "js", "jsx", "mjs", "cjs", "node"],
  ["JSON", "json", "jsonc", "json5"],
  ["Kotlin", "kotlin", "kt", "kts"],
  ["PHP", "php"],
  ["Python", "python", "py", "python3", "pycon"],
  ["Ruby", "ruby", "rb"],
  ["Rust", "rust", "rs"],
  ["SQL", "sql", "postgresql", "postgres", "sqlite", "mysql"],
  ["TypeScript", "typescript", "ts", "tsx", "mts"],
  ["XML", "xml", "svg", "xsl"],
  ["YAML", "yaml", "yml"],
];
const NAMES = { html: "HTML", toml: "TOML", vue: "Vue", svelte: "Svelte", text: "Text", txt: "Text", plaintext: "Text", md: "Markdown", markdown: "Markdown" };
const GRAMMARS = { html: ["xml"], vue: ["xml"], svelte: ["xml"], toml: ["ini"] };
const NEEDS = { xml: ["css", "javascript"] };
for (const [name, grammar, ...others] of LANGUAGES) {
  for (const known of [grammar, ...others]) {
    NAMES[known] = name;
    GRAMMARS[known] = [grammar];
  }
}

/** The language's own name; a name that is not known as it came. */
export function nameOf(language) {
  return own(NAMES, language) ?? language;
}

/** The grammars for a language, its own first; null for any other name. */
export function grammars(language) {
  const [grammar] = own(GRAMMARS, language) ?? [];
  return grammar ? [grammar, ...(NEEDS[grammar] ?? [])] : null;
}

function own(table, name) {
  return Object.hasOwn(table, name.toLowerCase()) ? table[name.toLowerCase()] : undefined;
}
