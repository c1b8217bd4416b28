// The sign-in form: the service's login, and a user id.

import * as api from "./api.js";
import { ask } from "./ask.js";
import { byId } from "./dom.js";
import { askTabs, handOn, listenToTabs, signOutTabs } from "./logins.js";
import { forget, keep, session } from "./session.js";
import { forgetFigures } from "./recordings.js";
import { forgetWords, unsentConversations } from "./words.js";

export class SignIn {
  /** `done()` is called after a successful sign-in. */
  constructor(done) {
    this.#done = done;
    const form = byId("sign-in-form");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const { login, password, userid } = form.elements;
      const who = { login: login.value, password: password.value, userid: userid.value.trim() };
      this.#say("");
      byId("sign-in-send").disabled = true;
      try {
        await api.conversations("/conversations?limit=1", { who });
        keep(who);
        handOn(who);
        this.#enter();
      } catch (error) {
        this.#say(error.status === 401 ? "The login or the password is wrong." : error.message);
        (error.status === 401 ? login : userid).focus();
      } finally {
        byId("sign-in-send").disabled = false;
      }
    });
    byId("sign-out").addEventListener("click", async () => {
      if (unsentConversations().length && !(await ask("Sign out?", "Messages of yours were not sent. Signing out forgets them.", "Sign out"))) return;
      signOutTabs();
      out();
    });
    listenToTabs({ given: (who) => this.#given(who), out });
  }

  #done;
  #isAsked = false; // whether the form is shown

  /** Show the form if nobody is signed in, not even by the link that the server printed; return whether it is needed. */
  async needed() {
    const secret = new URLSearchParams(location.hash.slice(1)).get("sign-in");
    if (secret) history.replaceState(null, "", location.pathname + location.search);
    let words = "";
    if (secret && !session()) {
      try {
        keep({ ...(await api.signIn(secret)), userid: "me" });
        handOn(session());
      } catch (error) {
        words = error.message;
      }
    }
    if (!session()) await askTabs(session);
    const who = session();
    this.#show(!who);
    this.#say(words);
    return !who;
  }

  /** The server no longer accepts the login: ask for it again. */
  expired() {
    if (!session()) return;
    const { login, userid } = byId("sign-in-form").elements;
    ({ login: login.value, userid: userid.value } = session());
    forget();
    this.#show(true);
    this.#say("Your login is no longer valid. Please sign in again.");
  }

  /** Another tab's login, which this one takes unless it is somebody else's here. */
  #given(who) {
    const mine = session();
    if (mine && (mine.userid !== who.userid || mine.login !== who.login)) return;
    keep(who);
    if (this.#isAsked) this.#enter();
  }

  #enter() {
    byId("sign-in-form").elements.password.value = "";
    this.#show(false);
    this.#done();
  }

  #show(asking) {
    this.#isAsked = asking;
    byId("sign-in").hidden = !asking;
    byId("app").hidden = asking;
    if (asking) byId("sign-in-form").elements.login.focus();
  }

  #say(words) {
    byId("sign-in-error").textContent = words;
    byId("sign-in-error").hidden = !words;
  }
}

function out() {
  forgetWords();
  forgetFigures();
  forget();
  location.assign("/");
}
