// The page: its parts, connected.

import { goTo, wanted } from "./address.js";
import * as api from "./api.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { Documents } from "./documents.js";
import { byId } from "./dom.js";
import * as exporting from "./export.js";
import { takeDrops } from "./drop.js";
import { Follow } from "./follow.js";
import { stayAboveKeyboard } from "./keyboard.js";
import { List } from "./list.js";
import { openMenu } from "./menu.js";
import { Mock } from "./mock.js";
import { notice } from "./notice.js";
import { Panels } from "./panels.js";
import { Presence } from "./presence.js";
import { session } from "./session.js";
import { showShortcuts } from "./shortcuts.js";
import { SignIn } from "./sign-in.js";
import { hear, tell } from "./tabs.js";
import { themeButton } from "./theme.js";
import { Wire } from "./wire.js";

let isTitled = false;
const wire = new Wire();
const mock = new Mock((line) => {
  panels.uncover();
  composer.ask(line);
});
const panels = new Panels(() => wire.changed(), (isOpen) => mock.show(isOpen));
const follow = new Follow(byId("scroller"), byId("content"), byId("to-end"));
const documents = new Documents((rows) => composer.documents(rows));
const signIn = new SignIn(start);
const presence = new Presence(back);
const list = new List({ open: show, gone, changed });
const conversation = new Conversation({
  wire, follow, row: titled, began, ended,
  running: (running) => { composer.running = running; },
  lost: () => presence.gone(),
  tookBack: (message, mode) => composer.takeBack(message, mode),
});
const composer = new Composer({
  send,
  stop: () => conversation.stop().catch(fail),
  upload: (file, progress) => documents.take(file, progress),
  where: wanted,
  opening: () => conversation.opening || conversation.id !== wanted(),
});

api.listen({ gone: () => presence.gone(), unauthorized: () => signIn.expired() });
themeButton(byId("theme"));
stayAboveKeyboard();
takeDrops(byId("app"), (files) => composer.attach(files));
hear(async (news) => {
  if (!session()) return;
  await list.refresh();
  if (news.began) await conversation.follow(news.began).catch(fail);
});
addEventListener("popstate", route);
document.addEventListener("keydown", keys);
byId("messages").addEventListener("wire", (event) => {
  wire.show(event.detail);
  panels.wire(true);
});
byId("more").addEventListener("click", more);
byId("new").addEventListener("click", () => show(null));
for (const example of document.querySelectorAll("[data-example]")) {
  example.addEventListener("click", () => {
    composer.mode = example.dataset.mode;
    composer.write(example.dataset.example);
  });
}
if (!(await signIn.needed())) start();

/** Load everything once somebody has signed in. */
async function start() {
  byId("userid").textContent = session().userid;
  list.refresh();
  documents.begin();
  about();
  await route();
}

async function about() {
  try {
    const { emulated, pictures, deployment } = await api.health();
    byId("deployment").hidden = !deployment;
    byId("deployment").textContent = deployment;
    byId("emulated").hidden = !emulated;
    composer.images = pictures;
    byId("empty").classList.toggle("no-images", !pictures);
  } catch {
    // The list reports what is wrong.
  }
}

/** Show the conversation of the address, or an empty one. */
async function route() {
  const id = wanted();
  list.current = id;
  composer.restore();
  if (!id) {
    conversation.begin();
    composer.ready();
    composer.focus();
    return;
  }
  try {
    await conversation.open(id);
    composer.ready();
  } catch (error) {
    // There is no such conversation, or there can be none: its address takes no message.
    if ([400, 404].includes(error.status)) show(null);
    else titled(list.row(id));
    fail(error);
  }
}

function show(id) {
  goTo(id);
  panels.list(false, false);
  composer.focus();
  return route();
}

async function send(message) {
  const sent = conversation.send(message);
  goTo(conversation.id);
  await sent;
}

function began(id) {
  if (id === conversation.id) list.current = id;
  list.refresh();
  tell({ began: id });
  nameIt(id);
}

async function ended(id) {
  if (!session()) return;
  if (id === conversation.id) list.current = id;
  tell({ changed: true });
  await list.refresh();
  await nameIt(id);
}

/** Show the title that the server gave a new conversation. */
async function nameIt(id) {
  if (id !== conversation.id || isTitled) return;
  const row = await api.conversation(id).catch(() => null);
  if (id === conversation.id && row) titled(row);
}

function titled(row) {
  isTitled = Boolean(row);
  byId("title").textContent = row?.title ?? "New conversation";
  document.title = row ? `${row.title} – Mock Backend` : "Mock Backend";
}

function changed(row) {
  if (row.id === conversation.id) titled(row);
  tell({ changed: true });
}

function gone(id) {
  tell({ changed: true });
  conversation.forget(id);
  if (id === conversation.id) show(null);
  else composer.focus();
}

function back() {
  if (!session()) return;
  list.refresh();
  about();
  composer.back();
  conversation.reopen().catch(fail);
}

function fail(error) {
  if (error.status !== 0) notice(error.message);
}

function more() {
  const save = (kind) => exporting.save(conversation.id, kind).catch(fail);
  openMenu(byId("more"), [
    ...(wanted() ? [
      { label: "Export as Markdown", icon: "file", act: () => save("md") },
      { label: "Export as JSON", icon: "tool", act: () => save("json") },
    ] : []),
    { label: "Shortcuts", icon: "more", act: showShortcuts },
  ]);
}

function keys(event) {
  const command = event.ctrlKey || event.metaKey;
  if (!session()) return;
  if (event.key === "Escape" && !event.defaultPrevented) {
    if (panels.shutList()) return;
    if (conversation.running) conversation.stop().catch(fail);
    else panels.shutAside();
  } else if (command && !event.shiftKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    panels.list(true, false);
    byId("search").focus();
  } else if (command && event.shiftKey && event.key.toLowerCase() === "o") {
    event.preventDefault();
    show(null);
  } else if ((command && event.key === "/") || (event.key === "?" && !event.target.closest("input, textarea"))) {
    event.preventDefault();
    showShortcuts();
  }
}
