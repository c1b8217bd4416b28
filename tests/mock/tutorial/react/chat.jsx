import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport } from "ai";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

let retryAfter = 0; // seconds, as the last answer says
const transport = new DefaultChatTransport({
  fetch: async (...request) => {
    const response = await fetch(...request);
    retryAfter = Number(response.headers.get("retry-after"));
    return response;
  },
});

function Chat() {
  const [cut, setCut] = useState(false);
  const onFinish = ({ finishReason, isAbort }) => setCut(!finishReason && !isAbort);
  const { messages, sendMessage, regenerate, stop, status, error } = useChat({ transport, onFinish });
  const isRunning = status === "submitted" || status === "streaming";
  const trouble = !isRunning && (error ? saidBy(error) : cut && "The answer was cut off.");
  const ask = (form) => isRunning || void sendMessage({ text: form.get("text") });
  return (
    <form action={ask}>
      <div role="log">{messages.filter(({ role }) => role === "assistant").map(Answer)}</div>
      {trouble && <Trouble words={trouble} again={() => void regenerate()} />}
      <input name="text" aria-label="Message" />
      {isRunning ? <button type="button" onClick={stop}>Stop</button> : <button>Send</button>}
    </form>
  );
}

const Answer = ({ id, parts }) => <p key={id}>{parts.map((part) => part.type === "text" && part.text)}</p>;

function Trouble({ words, again }) {
  const [isEarly, setEarly] = useState(true);
  useEffect(() => {
    const timer = setTimeout(() => setEarly(false), retryAfter * 1000);
    return () => clearTimeout(timer);
  }, []);
  return <p role="alert">{words} <button type="button" disabled={isEarly} onClick={again}>Try again</button></p>;
}

function saidBy({ message }) {
  try {
    return JSON.parse(message).error.message; // of an answer that is no stream
  } catch {
    return message;
  }
}

createRoot(document.body).render(<Chat />);
