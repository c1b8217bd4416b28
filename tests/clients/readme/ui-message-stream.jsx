import { useChat } from "@ai-sdk/react"; // 2.x to 4.x, AI SDK 5 to 7

export default function Chat() {
  const { messages, sendMessage } = useChat();
  return (
    <form action={(form) => void sendMessage({ text: form.get("text") })}>
      {messages.map(({ id, role, parts }) => <p key={id}>{role}: {parts.map((part) => part.text)}</p>)}
      <input name="text" />
    </form>
  );
}
