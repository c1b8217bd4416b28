// useChat of AI SDK 5 to 7, used as their examples do.

import { useChat } from "@ai-sdk/react";
import * as ai from "ai";
import { createElement } from "react";
import { execute, fileList } from "./dom.mjs";

const { DefaultChatTransport, parseJsonEventStream, readUIMessageStream, uiMessageChunkSchema } = ai;

// `sendWhen` names the package's own conditions, one of which is to hold.
export function Chat({ options: { id, api, headers, messages, resume, body, sendWhen, executes, more }, held }) {
  const chat = useChat({
    id,
    transport: new DefaultChatTransport({ api, headers, body }),
    messages,
    resume,
    sendAutomaticallyWhen: sendWhen && ((so) => sendWhen.some((name) => ai[name](so))),
    onToolCall: executes && (({ toolCall: { toolName: tool, toolCallId, input } }) => {
      const output = execute(executes, tool, input, held);
      // Not waited for: the hook would wait for itself.
      if (output !== undefined) void held.chat.addToolResult({ tool, toolCallId, output });
    }),
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
  // The request that these may lead to is the hook's own, which tells nobody.
  answer: (chat, { by, ...answer }) => chat[by](answer),
  approve: (chat, answer) => chat.addToolApprovalResponse(answer),
  submit: (chat) => chat.sendMessage(),
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
