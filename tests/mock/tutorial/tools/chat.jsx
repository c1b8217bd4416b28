import { useChat } from "@ai-sdk/react";
import * as ai from "ai";
import { createRoot } from "react-dom/client";

const id = (location.hash ||= `#${crypto.randomUUID()}`).slice(1);
const parameters = { type: "object", properties: { question: { type: "string" } }, required: ["question"] };
const tools = { ask_address: { description: "Ask the user for an address.", parameters } };
const transport = new ai.DefaultChatTransport({ body: { tools, approvals: true, resumable: true } });
const complete = [ai.lastAssistantMessageIsCompleteWithToolCalls, ai.lastAssistantMessageIsCompleteWithApprovalResponses];
const sendAutomaticallyWhen = (chat) => complete.some((isComplete) => isComplete(chat));

function Chat({ messages: stored }) {
  const chat = useChat({ id, messages: stored, transport, sendAutomaticallyWhen, resume: true });
  return (
    <main>
      <div role="log">
        {chat.messages.map(({ id, role, parts }) => (
          <div key={id}>{role}: {parts.map((part, index) => <Part key={index} {...part} {...chat} />)}</div>
        ))}
      </div>
      {chat.error && <p role="alert">{chat.error.message}</p>}
      <form action={(form) => void chat.sendMessage({ text: form.get("text") })}>
        <input name="text" aria-label="Message" /> <button>Send</button>
      </form>
    </main>
  );
}

function Part({ type, state, text, input, toolCallId, approval, addToolOutput, addToolApprovalResponse }) {
  if (type === "text") return text;
  if (type === "tool-ask_address" && state === "input-available") {
    const answer = (form) => void addToolOutput({ tool: "ask_address", toolCallId, output: form.get("address") });
    return <form action={answer}>{input.question} <input name="address" aria-label="Address" /> <button>Answer</button></form>;
  }
  if (state !== "approval-requested") return null;
  const decide = (approved) => () => void addToolApprovalResponse({ id: approval.id, approved });
  return <p>{type.slice(5)} {JSON.stringify(input)}? <button onClick={decide(true)}>Yes</button> <button onClick={decide(false)}>No</button></p>;
}

const { messages } = await (await fetch(`/api/conversations/${id}?protocol=ui`)).json();
createRoot(document.body).render(<Chat messages={messages} />);
