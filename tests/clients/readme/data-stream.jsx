import { useChat } from "@ai-sdk/react"; // 1.x, AI SDK 4

export default function Chat() {
  const { messages, input, handleInputChange, handleSubmit } = useChat();
  return (
    <form onSubmit={handleSubmit}>
      {messages.map(({ id, role, content }) => <p key={id}>{role}: {content}</p>)}
      <input value={input} onChange={handleInputChange} />
    </form>
  );
}
