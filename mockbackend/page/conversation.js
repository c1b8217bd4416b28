// The open conversation: its turns, the one that is running, and those that wait for its end.

import * as api from "./api.js";
import { Answer } from "./answer.js";
import { announce } from "./announce.js";
import { bodyOn, sendOn } from "./going-on.js";
import { newId } from "./ids.js";
import { LATER, joinLater, load } from "./join.js";
import { notice } from "./notice.js";
import { receive } from "./receive.js";
import { Turns } from "./turns.js";
import { Sending, bodyOf, forget, leaveAlone, sendElsewhere } from "./unsent.js";

export class Conversation {
  /**
   * Callbacks: `row(row | null)` for the open row, `running(bool)` for the state, `began(id)` and `ended(id)` for
   * turns, `lost()` where the server went away, `tookBack(message, mode)` for a message that shall not be sent.
   */
  constructor({ wire, follow, ...on }) {
    this.#on = on;
    this.#wire = wire;
    this.#follow = follow;
  }

  id = null;
  #on; #wire; #follow;
  #turns = new Turns({
    ask: (turn) => this.#ask(turn), edit: (turn, text) => this.#edit(turn, text), takeBack: (turn) => this.#takeBack(turn),
    goOn: (turn, said) => this.#goOn(turn, said), stop: () => this.stop().catch(({ message }) => notice(message)),
  });
  #reading = null; // AbortController of the current request
  #waiting = null; // and of the wait for a running answer
  #opening = false;
  #sending = null; // the last turn that was sent
  #broken = false;
  #missed = false; // whether more may be stored than stands here

  get running() { return Boolean(this.#reading); }

  /** Whether it is being loaded and takes no message yet. */
  get opening() { return this.running && this.#opening; }

  /** Start an empty conversation; it gets its id with its first message. */
  begin() {
    this.#leave(null);
    this.#turns.clear();
    this.#follow.rest();
    this.#on.row(null);
  }

  /** Show a stored conversation, and join its answer if one is running. */
  async open(id, { again = true } = {}) {
    this.#leave(id);
    const reading = (this.#reading = new AbortController());
    this.#opening = true;
    try {
      const { found, path, response } = await load(id, this.#wire.framing, reading.signal);
      if (this.#reading !== reading) return;
      this.#reading = null;
      const isUnanswered = !response && found.messages.at(-1)?.role === "user";
      // The answer may have ended between the two calls.
      if (isUnanswered && again) return void (await this.open(id, { again: false }));
      const turn = this.#turns.show(id, found.messages, isUnanswered);
      this.#on.row(found.id ? found : null);
      this.#follow.pin();
      if (response === LATER) await this.#joinLater(path, turn);
      else if (response) await this.#run(turn, { method: "GET", path }, async () => response);
      else await (this.#turns.next ? this.#next() : this.#on.running(false));
    } catch (error) {
      if (error.name === "AbortError") return;
      if (this.#reading === reading) {
        this.#reading = null;
        this.#missed = true;
        this.#turns.missing(id);
      }
      throw error;
    }
  }

  /** Join the running answer as soon as another reader of it has gone, while this conversation stays open. */
  async #joinLater(path, turn) {
    const waiting = (this.#waiting = new AbortController());
    const response = await joinLater(path, waiting.signal, () => this.running);
    if (response) await this.#run(turn, { method: "GET", path }, async () => response);
    else if (response === null) await this.open(this.id);
  }

  /** The server is back: show what it has stored, the interrupted answer or a message of which it was not heard. */
  async reopen() {
    if (this.id && (this.#broken || (this.#missed && !this.running))) await this.open(this.id);
    this.#sendElsewhere();
  }

  /** Another tab started a turn in this conversation. */
  async follow(id) {
    if (id !== this.id) return;
    if (this.running && !this.#opening) this.#missed = true;
    else await this.open(id);
  }

  /** Send a message now, or once the running answer has ended. */
  async send({ text, mode, attachments, documents }) {
    this.id ??= newId();
    const turn = this.#turns.add({ id: newId(), text, attachments, documents }, mode);
    if (!this.running && !this.#turns.next) return void (await this.#ask(turn));
    this.#turns.wait(this.id, turn);
    this.#follow.pin();
    announce("The message waits until the answer ends.");
  }

  async stop() {
    if (!this.id) return;
    announce("Stopping.");
    const isAsking = !this.running;
    if (!this.#sending?.stop()) await api.stop(this.id);
    if (isAsking) await this.open(this.id);
  }

  /** The conversation has been deleted: what waits in it is not sent. */
  forget(id) {
    forget(id);
    if (id === this.id) this.#turns.clear();
  }

  #leave(id) {
    for (const one of [this.#reading, this.#waiting]) one?.abort();
    this.#reading = this.#sending = null;
    this.#opening = this.#broken = this.#missed = false;
    this.#on.running(false);
    this.id = id;
    leaveAlone(id);
    this.#sendElsewhere();
  }

  #sendElsewhere() { sendElsewhere(this.id, (id) => this.#on.began(id)); }

  #edit(turn, text) {
    if (!turn.waiting && this.running) return notice(this.opening ? "This conversation is being loaded. Send it in a moment." : "An answer is running. Wait for its end, or stop it.") && false;
    turn.question.message.text = text;
    turn.waiting ? this.#turns.keep(this.id) : this.#ask(turn);
    return true;
  }

  #takeBack(turn) {
    this.#turns.remove(turn);
    this.#turns.keep(this.id);
    this.#on.tookBack(turn.question.message, turn.mode);
  }

  async #next() { if (this.#turns.next && !this.running && !this.#broken && !this.#turns.isAsking) await this.#ask(this.#turns.next); }

  /** Post the turn's question, for the first time or again; what follows it is replaced. */
  async #ask(turn) {
    if (this.running) return void (turn.unsent && this.#turns.wait(this.id, turn));
    this.#turns.place(turn);
    const request = this.#post(bodyOf(this.id, turn.question.message, turn.mode));
    this.#turns.sending(this.id, turn);
    const sending = (this.#sending = new Sending(this.id, request));
    await this.#run(turn, request, (signal) => sending.post(signal));
  }

  #post(body) { return { method: "POST", path: api.chatIn(this.#wire.framing), body }; }

  /** Go on with an answer that waits, with what the user says of one of its calls. */
  async #goOn(turn, said) {
    if (this.running) return;
    const { answer } = turn.answer;
    const request = this.#post(bodyOn(this.id, answer, said));
    turn.answer.goOn();
    await this.#run(turn, request, (signal) => sendOn(request, answer, said, signal), turn.answer);
  }

  async #run(turn, request, respond, waited) {
    const reading = (this.#reading = new AbortController());
    this.#opening = false;
    const view = waited ?? this.#turns.answer(turn, new Answer());
    const { answer } = view;
    const here = this.id;
    this.#on.running(true);
    this.#follow.pin();
    const recording = this.#wire.begin(request);
    view.changed();
    try {
      const response = await respond(reading.signal);
      if (request.method === "POST") {
        this.#turns.sent(here, turn);
        this.#on.began(here);
      }
      announce("Answering.");
      if (!(await receive(response.body, view, reading.signal, recording))) {
        this.#broken = true;
        this.#on.lost();
      }
    } catch (error) {
      if (reading.signal.aborted) return;
      // It may have reached the server, or another tab was faster.
      if (error.status === 0 || waited) this.#missed = true;
      if (waited && error.status !== undefined) {
        answer.finish = "tool-calls"; // the call is open, as far as is known here
        this.#broken = error.status === 0;
        notice(error.message);
      } else answer.error = error.message;
      if (error.status === 409 && !waited) {
        // Another tab or device has an answer running: this turn goes after it.
        this.#turns.wait(this.id, turn);
        return void (await this.open(here));
      }
    }
    if (this.#reading !== reading) return;
    this.#reading = null;
    this.#on.running(false);
    recording.keep(answer);
    view.finish({ aloud: true });
    if (request.method === "POST" && turn.unsent) this.#turns.halt(here, turn);
    this.#on.ended(here);
    // A message that was not sent stays with the reason.
    if (this.#missed && !this.#broken && !turn.unsent) await this.open(here);
    else await this.#next();
  }
}
