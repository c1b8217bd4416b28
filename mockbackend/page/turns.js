// The turns of the open conversation, as they stand on the page.

import { Answer } from "./answer.js";
import { AnswerView } from "./answer-view.js";
import { byId } from "./dom.js";
import { documentsOf } from "./files.js";
import { QuestionView } from "./question-view.js";
import { asksForImage, keepImage, keepUnsent, unsent } from "./words.js";

const NOT_SENT = "This message was not sent.";

export class Turns {
  /**
   * `ask(turn)` asks again, `edit(turn, text)` with other words and returns whether it does, `takeBack(turn)` takes a waiting one away,
   * `goOn(turn, said)` answers an open call, `stop()` leaves it.
   */
  constructor(on) {
    this.#on = on;
  }

  #on;
  #id = null; // of the conversation that they belong to
  #all = []; // {question, answer, mode, stored, unsent, waiting}

  /** The first that waits for the answer before it to end. */
  get next() {
    return this.#all.find((turn) => turn.waiting);
  }

  /** Whether an answer waits for the user. */
  get isAsking() {
    return this.#all.some(({ answer }) => answer?.answer.open.length);
  }

  clear() {
    this.#id = null;
    this.#all = [];
    byId("messages").replaceChildren();
    byId("waiting").replaceChildren();
    byId("empty").hidden = false;
  }

  /**
   * Show a conversation's stored messages in place of all that stood there, then those that are unsent. Returns the
   * last turn that is stored; where it `isUnanswered`, no answer comes any more.
   */
  show(id, messages, isUnanswered) {
    this.clear();
    this.#id = id;
    let last;
    for (const message of messages) {
      if (message.role === "user") {
        const attachments = message.experimental_attachments ?? [];
        const mode = asksForImage(message.id) ? "image" : "chat";
        last = this.add({ id: message.id, text: message.content, attachments, documents: documentsOf(message) }, mode);
        last.stored = true;
      } else if (last) {
        const answer = Answer.of(message);
        if (answer.isImage) last.mode = "image";
        this.answer(last, answer).finish();
      }
    }
    if (isUnanswered) this.answer(last, Object.assign(new Answer(), { incomplete: "stored" })).finish();
    this.#restore(id, messages);
    return last;
  }

  /** A conversation could not be loaded: until it is, what is unsent of it stands here, and nothing of another. */
  missing(id) {
    if (id === this.#id) return;
    this.show(id, [], false);
    byId("empty").hidden = true;
  }

  add(message, mode) {
    const turn = { question: null, answer: null, mode, stored: false, unsent: false, waiting: false };
    turn.question = new QuestionView(message, { edit: (text) => this.#on.edit(turn, text), takeBack: () => this.#on.takeBack(turn) });
    this.#all.push(turn);
    byId("messages").append(turn.question.element);
    byId("empty").hidden = true;
    return turn;
  }

  /** Show an answer in the place of the turn's former one; returns its view. */
  answer(turn, answer) {
    turn.answer?.element.remove();
    turn.answer = new AnswerView(answer, { retry: () => this.#on.ask(turn), goOn: (said) => this.#on.goOn(turn, said), stop: () => this.#on.stop() });
    turn.question.element.after(turn.answer.element);
    return turn.answer;
  }

  remove(turn) {
    this.#all = this.#all.filter((one) => one !== turn);
    turn.question.element.remove();
    turn.answer?.element.remove();
    byId("empty").hidden = this.#all.length > 0;
  }

  /** Put a turn where the server will have it: in place of what follows, or at the end where it is not stored yet. */
  place(turn) {
    // What is unsent stays: its words are nowhere else.
    const following = this.#all.slice(this.#all.indexOf(turn) + 1).filter((one) => !one.unsent);
    if (turn.stored) for (const gone of following) this.remove(gone);
    else if (following.length) this.#move(turn, following.at(-1));
  }

  #move(turn, last) {
    this.#all = this.#all.filter((one) => one !== turn);
    this.#all.splice(this.#all.indexOf(last) + 1, 0, turn);
    (last.answer ?? last.question).element.after(...[turn.question, turn.answer].filter(Boolean).map(({ element }) => element));
  }

  /** Say how far a turn's message is: "" (the server has it), "unsent" or "waiting". An edit that is unsent has nothing to take back. */
  mark(turn, state) {
    const isWaiting = state === "waiting";
    const isElsewhere = isWaiting !== turn.waiting;
    turn.unsent = state !== "";
    turn.waiting = isWaiting;
    if (isElsewhere) this.#stand(turn);
    turn.question.state = state === "unsent" && turn.stored ? "unsent edit" : state;
  }

  /** What waits stands at the message box, where no answer that grows moves it; all else stands in the conversation. */
  #stand(turn) {
    const next = this.#all.slice(this.#all.indexOf(turn) + 1).find((one) => one.waiting === turn.waiting);
    turn.question.moveTo(byId(turn.waiting ? "waiting" : "messages"), next?.question.element ?? null);
  }

  /** A turn's message is on its way, and unsent until the server has it: the page may be reloaded meanwhile. */
  sending(id, turn) {
    this.#id = id;
    this.mark(turn, "");
    turn.unsent = true;
    // The stored message does not tell: it is asked for again as what it was.
    if (turn.mode === "image") keepImage(turn.question.message.id);
    this.keep(id);
  }

  /** A turn's message goes once the answer before it has ended. */
  wait(id, turn) {
    turn.answer?.element.remove();
    turn.answer = null;
    this.mark(turn, "waiting");
    byId("waiting").scrollTop = byId("waiting").scrollHeight;
    this.keep(id);
  }

  /** The server has a turn's message. */
  sent(id, turn) {
    this.mark(turn, "");
    turn.stored = true;
    this.keep(id);
    // It closes what was open before it.
    for (const { answer } of this.#all.filter((one) => one !== turn && one.answer?.answer.open.length)) {
      answer.answer.leave();
      answer.finish();
    }
  }

  /** A turn's message could not be sent: nothing goes by itself after it. */
  halt(id, turn) {
    this.mark(turn, "unsent");
    for (const next of this.#all.filter((one) => one.waiting)) this.#notSent(next);
    this.keep(id);
  }

  /** Remember those that are unsent. */
  keep(id) {
    const left = this.#all.filter((turn) => turn.unsent);
    keepUnsent(id, left.map(({ question, mode, waiting }) => ({ message: question.message, mode, waiting })));
  }

  /** Add those that are unsent to the stored messages. */
  #restore(id, messages) {
    for (const { message, mode, waiting } of unsent(id)) {
      const stored = messages.find((one) => one.id === message.id);
      if (stored?.content === message.text) continue;
      // An edit that was not sent stands in its old place.
      const turn = this.#all.find(({ question }) => question.message.id === message.id) ?? this.add(message, mode);
      turn.mode = mode;
      turn.question.message = message;
      if (waiting) this.mark(turn, "waiting");
      else this.#notSent(turn);
    }
    this.keep(id);
  }

  #notSent(turn) {
    this.mark(turn, "unsent");
    const answer = new Answer();
    answer.error = NOT_SENT;
    this.answer(turn, answer).finish();
  }
}
