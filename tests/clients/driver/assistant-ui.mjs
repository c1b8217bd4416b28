// assistant-ui's useDataStreamRuntime, used as its examples do: what a person does goes through the composer.

import {
  CompositeAttachmentAdapter,
  SimpleImageAttachmentAdapter,
  SimpleTextAttachmentAdapter,
} from "@assistant-ui/core";
import { AssistantRuntimeProvider, Tools, useThreadMessages } from "@assistant-ui/core/react";
import { useDataStreamRuntime } from "@assistant-ui/react-data-stream";
import { ToolResponse } from "assistant-stream";
import { createElement, useMemo } from "react";
import { execute, file } from "./dom.mjs";

const attachments = new CompositeAttachmentAdapter([
  new SimpleImageAttachmentAdapter(),
  new SimpleTextAttachmentAdapter(),
]);

export function Chat({ options: { id, api, headers, messages, body, tools, executes, more }, held }) {
  const config = useMemo(() => tools && { tools: Tools({ toolkit: toolkit(tools, executes, held) }) }, []);
  const runtime = useDataStreamRuntime({
    api,
    headers,
    body: async () => ({ id, ...body, ...held.body }),
    initialMessages: messages.map(({ createdAt, ...message }) => message),
    adapters: { attachments },
    onFinish(message) {
      held.finished.push({ status: message.status, usage: message.metadata.steps.at(-1)?.usage });
      held.over();
    },
    onError(error) {
      held.errors.push({ name: error.name, message: error.message });
      held.over();
    },
    onCancel: () => held.over(),
    onData: (part) => held.data.push(part),
    ...more,
  });
  held.chat = runtime;
  return createElement(AssistantRuntimeProvider, { runtime, config }, createElement(Thread));
}

// Tools of the front end run by themselves, if there is a value for them; the others are a person's to answer.
function toolkit(tools, executes, held) {
  const made = Object.entries(tools).map(([name, tool]) => {
    const runs = executes && name in executes;
    const how = runs ? { type: "frontend", execute: (args) => execute(executes, name, args, held) } : { type: "human" };
    return [name, { ...tool, ...how }];
  });
  return Object.fromEntries(made);
}

function Thread() {
  return useThreadMessages().map((message) =>
    createElement("article", { key: message.id }, `${message.role}: `, words(message)),
  );
}

export const words = (message) => message.content.map((part) => (part.type === "text" ? part.text : "")).join("");

export const act = {
  async send({ thread }, { text, files, body }, held) {
    held.body = body;
    for (const one of files ?? []) await thread.composer.addAttachment(file(one));
    thread.composer.setText(text);
    thread.composer.send();
    return over(held);
  },
  async regenerate({ thread }, { body }, held) {
    held.body = body;
    thread.getMessageByIndex(thread.getState().messages.length - 1).reload();
    return over(held);
  },
  async edit({ thread }, { index, text, body }, held) {
    held.body = body;
    const { composer } = thread.getMessageByIndex(index);
    composer.beginEdit();
    composer.setText(text);
    composer.send();
    return over(held);
  },
  stop: ({ thread }) => thread.cancelRun(),
  answer: ({ thread }, { toolCallId, result, isError = false }) =>
    openCall(thread, toolCallId).addToolResult(new ToolResponse({ result, isError })),
  approve: ({ thread }, { toolCallId, approved, reason }) =>
    openCall(thread, toolCallId).respondToToolApproval({ approved, reason }),
};

const openCall = (thread, toolCallId) => {
  const last = thread.getState().messages.length - 1;
  return thread.getMessageByIndex(last).getMessagePartByToolCallId(toolCallId);
};

// Its status is that of the last message, which is over a little earlier than the answer.
const over = (held) => new Promise((resolve) => (held.over = resolve));

export function look({ thread }) {
  const { messages, isRunning } = thread.getState();
  const last = messages.at(-1)?.status;
  const failed = last?.type === "incomplete" && last.reason === "error";
  const status = isRunning ? "streaming" : failed ? "error" : "ready";
  return { messages, status, error: failed ? (last.error.message ?? String(last.error)) : undefined };
}
