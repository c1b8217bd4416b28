// The open conversation: its turns, and the one that is running.

import * as api from "./api.js";
import { Answer } from "./answer.js";
import { AnswerView } from "./answer-view.js";
import { announce } from "./announce.js";
import { byId } from "./dom.js";
import { QuestionView } from "./question-view.js";
import { parseLine, readLines } from "./stream.js";
import { keepTurns, showUnsent, storedOrUnsent } from "./unsent.js";

export class Conversation {
  /** Callbacks: `row(row | null)` for the open row, `running(bool)` for the state, `began(id)` and `ended(id)` for turns. */
  constructor({ wire, follow, row, running, began, ended, lost }) {
    this.id = null;
    this.#on = { row, running, began, ended, lost };
    this.#wire = wire;
    this.#follow = follow;
  }

  #on; #wire; #follow;
  #turns = []; // {question, answer, mode, unsent}
  #reading = null; // AbortController of the current request
  #broken = false;

  get running() {
    return Boolean(this.#reading);
  }

  /** Start an empty conversation; it gets its id with its first message. */
  begin() {
    this.#leave();
    this.id = null;
    this.#show([]);
    this.#on.row(null);
  }

  /** Show a stored conversation, and join its answer if one is running. */
  async open(id, { again = true } = {}) {
    this.#leave();
    this.id = id;
    const reading = (this.#reading = new AbortController());
    try {
      const found = await storedOrUnsent(id, reading.signal);
      const response = await api.join(id, reading.signal);
      if (this.#reading !== reading) return;
      this.#reading = null;
      const last = found.messages.at(-1);
      // The answer may have ended between the two calls.
      if (!response && last?.role === "user" && again) return void (await this.open(id, { again: false }));
      this.#show(found.messages);
      this.#on.row(found.id ? found : null);
      this.#follow.pin();
      if (response) await this.#join(response);
      else if (last?.role === "user") this.#unanswered();
      showUnsent(
        id, found.messages, this.#turns,
        (message, mode) => this.#add(message, mode),
        (turn, answer) => this.#answer(turn, answer).finish(),
      );
    } catch (error) {
      if (this.#reading === reading) this.#reading = null;
      if (error.name !== "AbortError") throw error;
    }
  }

  /** The server is back: show the interrupted answer as it was stored. */
  async reopen() {
    if (this.id && this.#broken) await this.open(this.id);
  }

  /** Another tab started a turn in this conversation. */
  async follow(id) {
    if (id === this.id && !this.running) await this.open(id);
  }

  async send({ text, mode, attachments }) {
    this.id ??= crypto.randomUUID?.() ?? fallbackId();
    const message = { id: crypto.randomUUID?.() ?? fallbackId(), text, attachments };
    const turn = this.#add(message, mode);
    await this.#ask(turn);
  }

  async stop() {
    if (!this.id) return;
    announce("Stopping.");
    await api.stop(this.id);
  }

  #leave() {
    this.#reading?.abort();
    this.#reading = null;
    this.#broken = false;
    this.#on.running(false);
  }

  #show(messages) {
    this.#turns = [];
    byId("messages").replaceChildren();
    byId("empty").hidden = messages.length > 0;
    for (const message of messages) {
      if (message.role === "user") {
        const attachments = message.experimental_attachments ?? [];
        this.#add({ id: message.id, text: message.content, attachments }, "chat");
      } else if (this.#turns.length) {
        const turn = this.#turns.at(-1);
        const answer = Answer.of(message);
        if (answer.isImage) turn.mode = "image";
        this.#answer(turn, answer).finish();
      }
    }
  }

  #add(message, mode) {
    const turn = { question: null, answer: null, mode, unsent: false };
    turn.question = new QuestionView(message, { edit: () => this.#ask(turn) });
    this.#turns.push(turn);
    byId("messages").append(turn.question.element);
    byId("empty").hidden = true;
    return turn;
  }

  #answer(turn, answer) {
    turn.answer?.element.remove();
    turn.answer = new AnswerView(answer, { retry: () => this.#ask(turn) });
    turn.question.element.after(turn.answer.element);
    return turn.answer;
  }

  #unanswered() {
    const answer = new Answer();
    answer.incomplete = "stored";
    this.#answer(this.#turns.at(-1), answer).finish();
  }

  /** Post the turn's question, for the first time or again; what follows it is replaced. */
  async #ask(turn) {
    if (this.running) return;
    for (const gone of this.#turns.splice(this.#turns.indexOf(turn) + 1)) {
      if (gone.unsent) {
        // Its words are nowhere else.
        this.#turns.push(gone);
        continue;
      }
      gone.question.element.remove();
      gone.answer?.element.remove();
    }
    const { id, text, attachments } = turn.question.message;
    const message = { id, role: "user", content: text };
    if (attachments.length) message.experimental_attachments = attachments;
    const body = { id: this.id, messages: [message], mode: turn.mode, resumable: true };
    // Until the server has it: this page may be reloaded meanwhile.
    turn.unsent = true;
    keepTurns(this.id, this.#turns);
    await this.#run(turn, { method: "POST", path: "/chat", body }, (signal) => api.begin(body, signal));
  }

  async #join(response) {
    const path = `/chat/${encodeURIComponent(this.id)}/stream`;
    await this.#run(this.#turns.at(-1), { method: "GET", path }, async () => response);
  }

  async #run(turn, request, respond) {
    const reading = (this.#reading = new AbortController());
    const answer = new Answer();
    const view = this.#answer(turn, answer);
    const here = this.id;
    this.#on.running(true);
    this.#follow.pin();
    this.#wire.begin(request);
    view.changed();
    try {
      const response = await respond(reading.signal);
      if (request.method === "POST") {
        turn.unsent = turn.question.unsent = false;
        keepTurns(this.id, this.#turns);
        this.#on.began(here);
      }
      await this.#read(response, answer, view, reading.signal);
    } catch (error) {
      if (reading.signal.aborted) return;
      answer.error = error.message;
    }
    if (this.#reading !== reading) return;
    this.#reading = null;
    this.#on.running(false);
    turn.question.unsent = turn.unsent;
    view.finish({ aloud: true });
    this.#on.ended(here);
  }

  async #read(response, answer, view, signal) {
    announce("Answering.");
    try {
      for await (const { lines, at } of readLines(response.body)) {
        if (signal.aborted) return;
        this.#wire.add(lines, at);
        for (const line of lines) answer.apply(...parseLine(line));
        view.changed();
      }
    } catch (error) {
      if (error instanceof SyntaxError) throw new Error("The server sent a line that the page cannot read. Reload the page.");
      if (!signal.aborted && !answer.finish) this.#lose(answer);
      return;
    }
    if (!answer.finish && !answer.error) this.#lose(answer);
  }

  #lose(answer) {
    this.#broken = true;
    answer.error = "The connection was lost. The answer up to this point is stored.";
    this.#on.lost();
  }
}

/** Browsers offer randomUUID only over TLS and on localhost. */
function fallbackId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
