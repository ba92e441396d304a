// The messages: drawn whole when a conversation opens, then changed piece by piece.

import { $, $$, localise } from "./dom.js";

const NEAR_END_PX = 60;

const texts = new WeakMap(); // a piece's element → the HTML it was last given, which patches refer to
let scroller, list, newer, announcer;
let atEnd = true;
let lastTop = 0;
let spoken = () => {};

export function begin(onSpoken) {
  spoken = onSpoken;
  [scroller, list, newer, announcer] =
    ["#parley-scroll", "#parley-messages", "#parley-newer", "#parley-announcer"].map((s) => $(s));
  scroller.addEventListener("scroll", () => {
    const left = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    if (scroller.scrollTop < lastTop - 1) atEnd = false;
    if (left < NEAR_END_PX) atEnd = true;
    if (atEnd) newer.hidden = true;
    lastTop = scroller.scrollTop;
  }, { passive: true });
  newer.addEventListener("click", toEnd);
  // Pictures and opened cards change the height too: the end is followed whatever moved it.
  new ResizeObserver(() => { if (atEnd) scroller.scrollTop = scroller.scrollHeight; })
    .observe($("#parley-column"));
}

export function toEnd() {
  atEnd = true;
  newer.hidden = true;
  scroller.scrollTop = scroller.scrollHeight;
}

const find = (id) => list.querySelector(`:scope > [data-id="${CSS.escape(id)}"]`);
export const isRunning = () => list.lastElementChild?.dataset.status === "running";
export const isEmpty = () => !list.firstElementChild;
export const first = () => list.firstElementChild?.dataset.id;

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
    if (old) old.replaceWith(made);
    else list.insertBefore(made, at);
    at = made.nextElementSibling;
  }
  while (at) {
    const gone = at;
    at = at.nextElementSibling;
    gone.remove();
  }
  if (!shown) $("#parley-earlier").hidden = !frame.earlier;
  if (!same) toEnd();
}

export function showEarlier(frame) {
  const height = scroller.scrollHeight;
  list.prepend(...frame.messages.filter((m) => !find(m.id)).map((m) => element(m.article)));
  $("#parley-earlier").hidden = !frame.earlier;
  scroller.scrollTop += scroller.scrollHeight - height;
}

/** A turn went on. `fresh`: it begins here, so whatever followed what was said is gone. */
export function change(frame) {
  for (const message of frame.messages) apply(message, frame.fresh);
  if (atEnd) scroller.scrollTop = scroller.scrollHeight;
  else newer.hidden = false;
}

function apply(message, fresh) {
  let target = find(message.id);
  if (message.article) {
    const made = element(message.article);
    if (target) target.replaceWith(made);
    else list.append(made);
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
  const isNew = !box;
  if (isNew) {
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
  if (isNew && key === "spoken") spoken(box);
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
  if (status === "running") return;
  const words = $$(".text, .notice p", target).map((e) => e.textContent.trim()).join(" ");
  announcer.textContent = `Parley: ${words.slice(0, 1500)}`;
}

/** The words of a message, as they are read, without the labels of its code blocks. */
export function wordsOf(article) {
  document.documentElement.classList.add("copying");
  const words = $$(".text, .bubble", article).map((e) => e.innerText.trim()).filter(Boolean).join("\n\n");
  document.documentElement.classList.remove("copying");
  return words;
}
