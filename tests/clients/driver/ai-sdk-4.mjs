// useChat of AI SDK 4, used as its examples do.

import { useChat } from "@ai-sdk/react";
import { callChatApi } from "@ai-sdk/ui-utils";
import { createElement, useEffect } from "react";
import { SWRConfig } from "swr";
import { execute, fileList } from "./dom.mjs";

// The hook keeps its messages in a cache of the whole page; a page that is loaded again has a new one.
export function Chat(props) {
  return createElement(SWRConfig, { value: { provider: () => new Map() } }, createElement(Messages, props));
}

function Messages({ options: { id, api, headers, messages, resume, body, executes, more }, held }) {
  const chat = useChat({
    id,
    api,
    headers,
    body,
    initialMessages: messages,
    onToolCall: executes && (({ toolCall: { toolName, args } }) => execute(executes, toolName, args, held)),
    onFinish: (message, { usage, finishReason }) => held.finished.push({ id: message.id, usage, finishReason }),
    onError: (error) => held.errors.push({ name: error.name, message: error.message }),
    ...more,
  });
  held.chat = chat;
  useEffect(() => {
    if (resume) chat.experimental_resume();
  }, []);
  return chat.messages.map((message) =>
    createElement("article", { key: message.id }, `${message.role}: `, words(message)),
  );
}

export const words = (message) => message.content;

export const act = {
  send: (chat, { text, files, body }) =>
    chat.append({ role: "user", content: text }, { body, experimental_attachments: files && fileList(files) }),
  regenerate: (chat, { body }) => chat.reload({ body }),
  edit(chat, { index, text, body }) {
    const edited = { ...chat.messages[index], content: text, parts: [{ type: "text", text }] };
    chat.setMessages([...chat.messages.slice(0, index), edited]);
    return chat.reload({ body });
  },
  stop: (chat) => chat.stop(),
  // The request that it may lead to is the hook's own, which tells nobody.
  answer: (chat, { toolCallId, result }) => void chat.addToolResult({ toolCallId, result }),
};

export function look(chat, held) {
  held.data = chat.data ?? [];
  return { messages: chat.messages, status: chat.status, error: chat.error?.message };
}

// A stream's bytes as the package itself reads them, without a page.
export async function read({ stream }) {
  const errors = [];
  let message = null;
  await callChatApi({
    body: {},
    fetch: async () => new Response(Buffer.from(stream, "base64")),
    generateId: () => "made by the client",
    onUpdate: (update) => (message = update.message),
    onFinish() {},
  }).catch((error) => errors.push(error.message));
  return { message, errors };
}
