// useChat of AI SDK 5 to 7, used as their examples do.

import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport, parseJsonEventStream, readUIMessageStream, uiMessageChunkSchema } from "ai";
import { createElement } from "react";
import { fileList } from "./dom.mjs";

export function Chat({ options: { id, api, headers, messages, resume, more }, held }) {
  const chat = useChat({
    id,
    transport: new DefaultChatTransport({ api, headers }),
    messages,
    resume,
    onFinish: ({ message, ...how }) => {
      const { isAbort, isDisconnect, isError, finishReason } = how;
      held.finished.push({ id: message.id, isAbort, isDisconnect, isError, finishReason });
    },
    onError: (error) => held.errors.push({ name: error.name, message: error.message, statusCode: error.statusCode }),
    // As it was then: the hook changes a part in place.
    onData: (part) => held.data.push(structuredClone(part)),
    ...more,
  });
  held.chat = chat;
  return chat.messages.map((message) =>
    createElement("article", { key: message.id }, `${message.role}: `, words(message)),
  );
}

export const words = (message) => message.parts.map((part) => (part.type === "text" ? part.text : "")).join("");

export const act = {
  send: (chat, { text, files, body }) => chat.sendMessage({ text, files: files && fileList(files) }, { body }),
  regenerate: (chat, { body }) => chat.regenerate({ body }),
  edit: (chat, { index, text, body }) => chat.sendMessage({ text, messageId: chat.messages[index].id }, { body }),
  stop: (chat) => chat.stop(),
};

export function look(chat) {
  return { messages: chat.messages, status: chat.status, error: chat.error?.message };
}

// A stream's bytes as the package itself validates and reads them, without a page.
export async function read({ stream }) {
  const errors = [];
  const checked = new TransformStream({
    transform(part, controller) {
      if (part.success) controller.enqueue(part.value);
      else errors.push(String(part.error));
    },
  });
  const body = new Response(Buffer.from(stream, "base64")).body;
  const chunks = parseJsonEventStream({ stream: body, schema: uiMessageChunkSchema }).pipeThrough(checked);
  let message = null;
  const onError = (error) => errors.push(error.message);
  for await (const state of readUIMessageStream({ stream: chunks, onError })) message = state;
  return { message, errors };
}
