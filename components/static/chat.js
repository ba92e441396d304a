// The messages: drawn whole when a conversation opens, then changed piece by piece.

import { $, $$, localise } from "./dom.js";

const NEAR_END_PX = 60;
const ABOVE_QUESTION_PX = 20;
const MOST_PAGES_BACK = 25; // of 40 messages each, to look for one
const QUESTION_SHARE = 0.4; // of the height: a question that is longer gives way to its reply

const texts = new WeakMap(); // a piece's element → the HTML it was last given, which patches refer to
let scroller, list, newer, announcer;
let atEnd = true; // whether what comes is followed
let asked = ""; // the question that following keeps in view: a long reply is read from its beginning
let lastTop = 0;
let sought = null; // a message that is to be brought into view once it is here
let held = null; // a message that another version takes the place of, and where it stands in the window
let spoken = () => {};

export function begin(onSpoken) {
  spoken = onSpoken;
  [scroller, list, newer, announcer] =
    ["#parley-scroll", "#parley-messages", "#parley-newer", "#parley-announcer"].map((s) => $(s));
  scroller.addEventListener("scroll", () => {
    const up = scroller.scrollTop < lastTop - 1 && below() > 1; // not because something became shorter
    if (up || scroller.scrollTop > furthest() + 1) [asked, atEnd] = ["", false]; // the reader goes on alone
    if (below() < NEAR_END_PX) [atEnd, newer.hidden] = [true, true];
    lastTop = scroller.scrollTop;
  }, { passive: true });
  newer.addEventListener("click", toEnd);
  // Whoever opens a card wants to read it where it is.
  list.addEventListener("click", (event) => { if (event.target.closest("summary")) atEnd = false; });
  // Pictures that load and a composer that grows move the end too.
  const moved = new ResizeObserver(() => { if (atEnd) follow(); });
  for (const box of [scroller, $("#parley-column")]) moved.observe(box);
}

const below = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;

/** How far following may scroll: to the end, but never past the question. The welcome stays put. */
function furthest() {
  if (isEmpty()) return 0;
  const question = asked && find(asked);
  if (!question) return Infinity;
  const { top, bottom } = question.getBoundingClientRect();
  const view = scroller.getBoundingClientRect();
  const past = Math.max(top - view.top - ABOVE_QUESTION_PX, bottom - view.top - QUESTION_SHARE * view.height);
  return scroller.scrollTop + past;
}

function follow() {
  scroller.scrollTop = Math.min(scroller.scrollHeight - scroller.clientHeight, furthest());
  lastTop = scroller.scrollTop;
}

export function toEnd() {
  atEnd = true;
  asked = "";
  newer.hidden = true;
  follow();
}

const find = (id) => list.querySelector(`:scope > [data-id="${CSS.escape(id)}"]`);
export const newest = () => list.lastElementChild;
export const isRunning = () => newest()?.dataset.status === "running";
export const isEmpty = () => !list.firstElementChild;
export const first = () => list.querySelector(":scope > .message")?.dataset.id; // a marker may stand before it

function element(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  localise(template.content);
  const made = template.content.firstElementChild;
  made.source = html;
  return made;
}

/** The newest messages. Those that are shown already stay as they are, with all that was opened in them. */
export function show(frame, same) {
  const keyboard = same && whereKeyboard();
  const { scrollTop } = scroller;
  const shown = same ? frame.messages[0] && find(frame.messages[0].id) : null;
  if (!same) list.replaceChildren();
  let at = shown ?? null;
  if (same && !shown) list.replaceChildren();
  for (const message of frame.messages) {
    const old = find(message.id);
    if (old && old.source === message.article) {
      at = old.nextElementSibling;
      continue;
    }
    const made = element(message.article);
    if (old) {
      keepOpen(old, made);
      old.replaceWith(made);
      if (old.dataset.status === "running") announce(made); // it ended while the line was cut
    } else list.insertBefore(made, at);
    at = made.nextElementSibling;
  }
  while (at) {
    const gone = at;
    at = at.nextElementSibling;
    gone.remove();
  }
  if (!shown) $("#parley-earlier").hidden = !frame.earlier;
  if (!same) toEnd();
  else if (!putBack()) {
    if (atEnd) follow();
    else scroller.scrollTop = scrollTop;
    keyboard?.();
  }
  lookFor();
}

/** A message is about to give way to another version: its place, and the keyboard's, are kept. */
export function hold(article, button) {
  held = { id: article.dataset.id, ids: versionsOf(article), top: article.getBoundingClientRect().top, button };
  setTimeout((mine) => { if (held === mine) held = null; }, 5000, held);
}

const versionsOf = (article) => $(".versions", article)?.dataset.ids.split(" ") ?? [];

function putBack() {
  const article = held && held.ids.filter((id) => id !== held.id).map(find).find(Boolean);
  if (!article) return false;
  [asked, atEnd] = ["", false];
  scroller.scrollTop += article.getBoundingClientRect().top - held.top;
  lastTop = scroller.scrollTop;
  const buttons = $$(".versions button", article).filter((button) => !button.disabled);
  (buttons.find((button) => button.matches(held.button)) ?? buttons[0])?.focus({ preventScroll: true });
  held = null;
  return true;
}

/** Puts the keyboard back to the same act of the same message, should that be drawn anew. */
function whereKeyboard() {
  const act = document.activeElement?.closest?.("#parley-messages [data-do]");
  const id = act?.closest("article")?.dataset.id;
  if (!id) return null;
  const again = ["do", "rating"].filter((name) => act.dataset[name]).map((name) => `[data-${name}="${act.dataset[name]}"]`).join("");
  return () => act.isConnected || $(again, find(id) ?? list)?.focus({ preventScroll: true });
}

function keepOpen(old, made) {
  for (const box of old.children) {
    const open = $("details", box)?.open;
    if (open) $("details", piece(made, box.dataset.key) ?? made)?.setAttribute("open", "");
  }
}

/** Brings the message `id` into view, with earlier ones where it is not here. `now`: it may be. */
export function reveal(id, earlier, now) {
  sought = { id, earlier, left: MOST_PAGES_BACK };
  if (now) lookFor();
}

function lookFor() {
  if (!sought) return;
  const found = find(sought.id);
  const none = $("#parley-earlier").hidden || !sought.left;
  const { earlier } = sought;
  if (found || none) sought = null;
  else sought.left -= 1;
  if (found) bring(found, "start");
  else if (!none) earlier();
}

/** To the message before or after the one that is in view, or has the keyboard. */
export function step(by) {
  const all = $$(":scope > .message", list);
  const edge = scroller.getBoundingClientRect().top + ABOVE_QUESTION_PX;
  let from = all.findIndex((message) => message.contains(document.activeElement));
  if (from < 0) {
    from = all.findIndex((message) => message.getBoundingClientRect().bottom > edge);
    if (by > 0) from -= 1;
  }
  const next = all[Math.max(0, Math.min(all.length - 1, from + by))];
  if (next) bring(next, "start");
}

/** Scrolls to a message and marks it for a moment; following ends with it. */
export function bring(message, block) {
  [asked, atEnd] = ["", false];
  message.tabIndex = -1;
  message.scrollIntoView({ block });
  message.focus({ preventScroll: true });
  message.classList.add("brought");
  message.addEventListener("animationend", () => message.classList.remove("brought"), { once: true });
}

export function showEarlier(frame) {
  const height = scroller.scrollHeight;
  list.prepend(...frame.messages.filter((m) => !find(m.id)).map((m) => element(m.article)));
  $("#parley-earlier").hidden = !frame.earlier;
  scroller.scrollTop += scroller.scrollHeight - height;
  lookFor();
}

/** A turn went on. `fresh`: it begins here, so whatever followed what was said is gone. */
export function change(frame) {
  atEnd ||= below() < NEAR_END_PX;
  for (const message of frame.messages) apply(message, frame.fresh);
  if (frame.fresh && atEnd) asked = frame.messages.find((m) => find(m.id)?.dataset.role === "user")?.id ?? "";
  if (atEnd) follow();
  newer.hidden = below() < NEAR_END_PX;
}

function apply(message, fresh) {
  let target = find(message.id);
  if (message.article) {
    const made = element(message.article);
    if (target) target.replaceWith(made);
    else list.append(made);
    const sound = piece(made, "spoken");
    if (sound) spoken(sound, made);
    if (fresh || target?.dataset.status === "running") announce(made);
    if (fresh && made.dataset.role === "user") while (made.nextElementSibling) made.nextElementSibling.remove();
    return;
  }
  if (!target) return;
  target.source = "";
  for (const [key, html] of Object.entries(message.set ?? {})) set(target, key, html);
  if (message.keys) order(target, message.keys);
  if (message.status) finish(target, message.status);
}

const piece = (target, key) => target.querySelector(`:scope > [data-key="${key}"]`);

function set(target, key, change) {
  let box = piece(target, key);
  if (!box) {
    box = document.createElement("div");
    box.dataset.key = key;
    target.append(box);
  }
  const html = typeof change === "string" ? change : (texts.get(box) ?? "").slice(0, change[0]) + change[1];
  texts.set(box, html);
  const wasOpen = $("details", box)?.open;
  box.innerHTML = html;
  if (wasOpen) $("details", box)?.setAttribute("open", "");
  localise(box);
  if (key === "spoken") spoken(box, target);
}

function order(target, keys) {
  const wanted = new Set(keys);
  for (const box of [...target.children]) if (!wanted.has(box.dataset.key)) box.remove();
  keys.forEach((key, at) => {
    const box = piece(target, key);
    if (box && target.children[at] !== box) target.insertBefore(box, target.children[at] ?? null);
  });
}

function finish(target, status) {
  target.dataset.status = status;
  announce(target);
}

/** Reads a reply to those who listen, once it is whole. */
function announce(reply) {
  if (reply.dataset.role === "user" || reply.dataset.status === "running") return;
  const words = $$(".text, .notice p", reply).map(read).join(" ");
  announcer.textContent = `Parley: ${words.slice(0, 1500)}`;
}

/** Without the sources of formulas, which are there to be copied. */
function read(box) {
  const copy = box.cloneNode(true);
  for (const source of $$(".tex", copy)) source.remove();
  return copy.textContent.trim();
}

/** The words of a message, as they are read, without the labels of its code blocks. */
export function wordsOf(article) {
  document.documentElement.classList.add("copying");
  const words = $$(".text, .bubble", article).map((e) => e.innerText.trim()).filter(Boolean).join("\n\n");
  document.documentElement.classList.remove("copying");
  return words;
}
