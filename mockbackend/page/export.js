// A conversation as a file: Markdown for people, JSON as the service gives it.

import * as api from "./api.js";
import { el } from "./dom.js";
import { documentsOf } from "./files.js";

/** Save the stored conversation; `kind` is "md" or "json". */
export async function save(id, kind) {
  const found = await api.conversation(id);
  const text = kind === "json" ? JSON.stringify(found, null, 2) : markdown(found);
  const url = URL.createObjectURL(new Blob([text, "\n"], { type: kind === "json" ? "application/json" : "text/markdown" }));
  el("a", { href: url, download: `${fileName(found.title)}.${kind}` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

const fileName = (title) => title.replace(/[^\p{L}\p{N}]+/gu, " ").trim().slice(0, 60) || "conversation";

function markdown({ title, messages }) {
  return [`# ${title.replace(/\s+/g, " ")}`, ...messages.map((message) => (message.role === "user" ? question(message) : answer(message)))].join("\n\n");
}

function question(message) {
  const { content, experimental_attachments: files = [] } = message;
  const links = files.map(({ name, url }) => `- [${name}](${url.startsWith("data:") ? "" : url})`);
  const names = documentsOf(message).map(({ name }) => `- ${name}`);
  return ["## You", content, [...links, ...names].join("\n")].filter(Boolean).join("\n\n");
}

function answer({ parts, annotations = [] }) {
  const said = parts.map((part) => PARTS[part.type]?.(part) ?? "");
  const sources = parts.filter(({ type }) => type === "source").map(({ source }) => `- [${source.title || source.url}](${source.url})`);
  const shown = annotations.filter((note) => note?.type?.startsWith("data-")).map(({ type, data }) => `Data \`${type.slice(5)}\`:\n\n${code(data)}`);
  const cut = annotations.find((note) => note?.type === "incomplete");
  return [
    "## Answer", ...said, ...shown,
    sources.length ? `Sources:\n\n${sources.join("\n")}` : "",
    cut ? `*${cut.error ?? "This answer is incomplete."}*` : "",
  ].filter(Boolean).join("\n\n");
}

const PARTS = {
  text: ({ text }) => text,
  reasoning: ({ reasoning }) => `Reasoning:\n\n${reasoning.replace(/^/gm, "> ")}`,
  "tool-invocation": ({ toolInvocation: { toolName, args, result } }) => `Tool \`${toolName}\`:\n\n${code({ args, result })}`,
};

/** A block of JSON, whatever fences stand in it. */
function code(value) {
  const text = JSON.stringify(value, null, 2);
  const fence = "`".repeat(Math.max(3, ...(text.match(/`+/g) ?? []).map((run) => run.length + 1)));
  return `${fence}json\n${text}\n${fence}`;
}
