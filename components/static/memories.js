// The panel of all that is remembered: what is looked for, what comes, and what concerns all of it.

import { $, $$, handBack, localise, on } from "./dom.js";
import * as conversations from "./conversations.js";
import { counter, now } from "./elapsed.js";
import { confirmed } from "./layers.js";
import * as line from "./line.js";
import { announce, neighbours } from "./memory.js";
import { order } from "./orders.js";
import { isTemporary } from "./temporary.js";
import { locale, t } from "./words.js";

const PAUSE_MS = 180; // a search begins when the typing rests
const MOST_BYTES = 25_000_000;

let dialog = null;
let pages = {}; // how far each section is unfolded
let typing = 0;
let here = ""; // the conversation that "this chat" means
let from = null; // another one that the list is narrowed to, { id, title }

export function begin() {
  dialog = document.createElement("dialog");
  dialog.className = "parley-memories";
  dialog.setAttribute("aria-labelledby", "parley-memories-title");
  document.body.append(dialog);
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", closed);
  dialog.addEventListener("change", changed);
  dialog.addEventListener("input", ({ target }) => {
    if (target.type !== "search") return;
    clearTimeout(typing);
    typing = setTimeout(seekAnew, PAUSE_MS);
  });
  dialog.addEventListener("submit", (event) => {
    if (!event.target.matches(".sought")) return;
    event.preventDefault();
    seekAnew();
  });
  // What is dropped or pasted here is no attachment.
  for (const name of ["dragenter", "dragover", "dragleave", "drop", "paste"]) {
    dialog.addEventListener(name, (event) => {
      event.stopPropagation();
      if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
      if (name === "drop" && event.dataTransfer.files.length) bringBack(event.dataTransfer.files[0]);
    });
  }
  on("memories", open);
  on("close-memories", leave);
  on("more-memories", more);
  on("unfold-memory", unfold);
  on("import-memories", () => $("input[type=file]", dialog).click());
  on("only-chat", onlyChat);
  on("forget-chat", forgetChat);
  on("erase", erase);
}

export const leave = () => dialog?.open && dialog.close();

function open() {
  if (dialog.open) return;
  here = conversations.id();
  from = null;
  pages = {};
  dialog.replaceChildren($("#parley-memories-shell").content.cloneNode(true));
  dialog.showModal();
  $("input[type=search]", dialog).focus();
  seek();
}

function closed() {
  if (dialog.open) return; // opened again before this was told
  clearTimeout(typing);
  line.remembering(null);
  dialog.replaceChildren();
  handBack($("[data-do=memories]") ?? $("#parley-input textarea"));
}

function seek() {
  if (!dialog.open) return; // closed while something was under way
  const wanted = new FormData($(".sought", dialog));
  line.remembering({
    query: wanted.get("query"), kind: wanted.get("kind") || null, days: Number(wanted.get("days")),
    here: wanted.has("here"), chat: from?.id ?? "", pages,
  });
}

function seekAnew() {
  clearTimeout(typing);
  pages = {};
  seek();
}

/** The list of one chat alone, which need not be the one that is open. */
function onlyChat({ dataset }) {
  narrow({ id: dataset.chat, title: dataset.title });
  $("[name=here]", dialog).checked = true;
  $("[name=here]", dialog).focus();
  announce(t("Only what is from “{title}” is shown.", from));
  seekAnew();
}

function narrow(chat) {
  from = chat;
  $(".pill span", dialog).textContent = chat?.title ?? t("This chat");
  $("[data-do=forget-chat] span", dialog).textContent = from
    ? t("Forget what was said in “{title}”", from) : t("Forget what was said in this chat");
}

function more(button) {
  const { kind } = button.dataset;
  if (button.dataset.busy) return;
  button.dataset.busy = "yes";
  pages[kind] = (pages[kind] ?? 1) + 1;
  seek();
}

function unfold(button) {
  const words = $(".kept-words", button.parentElement);
  const all = words.classList.toggle("whole");
  button.setAttribute("aria-expanded", String(all));
  button.textContent = all ? t("Show less") : t("Show all");
}

/** What came from the server, put in place piece by piece: what is being edited or asked stays. */
export function show(html) {
  if (!dialog.open) return;
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  $(".choice-wait", dialog)?.remove();
  const held = document.activeElement;
  const row = held?.closest?.("li[data-memory]");
  const [act, id, beside] = [held?.dataset?.do, row?.dataset.memory, row ? neighbours(row) : []];
  for (const part of fresh.content.children) {
    const box = $(`[data-part="${part.dataset.part}"]`, dialog);
    if (!box) continue;
    if (part.dataset.part === "switches") redraw(box, part);
    else renew(box, part);
  }
  for (const button of $$("[data-busy]", dialog)) delete button.dataset.busy;
  if (!held?.isConnected && act && id) $(`[data-memory="${CSS.escape(id)}"] [data-do="${act}"]`, dialog)?.focus();
  if (!dialog.contains(document.activeElement)) {
    const next = row && beside.find((button) => button?.isConnected);
    (next ?? $("input[type=search]", dialog))?.focus();
  }
  $("[data-do=forget-chat]", dialog).hidden = !from && (conversations.isFresh() || isTemporary(conversations.id()));
}

function redraw(box, part) {
  const focused = document.activeElement?.dataset?.switch;
  box.innerHTML = part.innerHTML;
  if (focused) $(`[data-switch="${focused}"]`, box)?.focus();
}

/** Makes the children of `old` those of `fresh`, by their keys; what did not change is left alone. */
export function renew(old, fresh) {
  const coming = [...fresh.children];
  const wanted = new Set(coming.map((child) => child.dataset.key));
  for (const child of [...old.children]) if (!wanted.has(child.dataset.key)) child.remove();
  const kept = new Map([...old.children].map((child) => [child.dataset.key, child]));
  let at = old.firstElementChild;
  for (const child of coming) {
    const was = kept.get(child.dataset.key);
    let now = was ?? child;
    if (was && "holds" in was.dataset) renew(was, child);
    else if (was && was.source !== child.outerHTML && !was.dataset.editing) {
      if (at === was) at = was.nextElementSibling;
      was.remove();
      now = child;
    }
    if (now === child) adopt(child);
    if (now === at) at = at.nextElementSibling;
    else old.insertBefore(now, at);
  }
}

/** Remembers what it was drawn from, before times are rewritten in the reader's own way. */
function adopt(box) {
  for (const part of [box, ...$$("[data-key]", box)]) part.source = part.outerHTML;
  localise(box);
}

async function changed({ target }) {
  if (target.dataset.switch === "pause-here") await decide({ paused: target.checked });
  else if (target.dataset.switch === "pause-everywhere") await decide({ paused: target.checked, everywhere: true });
  else if (target.type === "file") {
    bringBack(target.files[0]);
    target.value = "";
  } else if (target.closest(".sought")) {
    if (target.name === "here" && !target.checked) narrow(null);
    seekAnew();
  }
}

async function decide(what) {
  const told = await order({ do: "pause-memory", conversation: here, ...what });
  tell(told.ok ? "" : `${told.message} ${told.advice}`);
  if (!told.ok) seek(); // it is drawn again as it still is
}

/** Here, or in the dialog from which it was asked for. What goes on `since` then is counted. */
export function tell(words, tone = "", since = 0) {
  const box = $("dialog[open]:last-of-type .choice-told") ?? $("dialog[open] .choice-told");
  if (!box) return;
  box.hidden = !words;
  box.dataset.tone = tone;
  box.textContent = words;
  if (since) box.insertAdjacentHTML("beforeend", counter(since));
}

export async function bringBack(file) {
  if (!file) return;
  if (file.size > MOST_BYTES) return tell(t("This file is larger than 25 MB."));
  tell(t("Importing…"), "calm", now());
  let told = {};
  try {
    const headers = { "content-type": "application/json" };
    const response = await fetch("/parley/memories", { method: "POST", body: file, headers });
    told = await response.json();
    if (!response.ok) return tell(`${told.message} ${told.advice}`);
  } catch {
    return tell(`${t("The file could not be brought here.")} ${t("Check that Parley still runs.")}`);
  }
  tell(brought(told.added), "calm");
}

function brought(added) {
  if (!added) return t("All of this is remembered already.");
  return added === 1 ? t("1 memory was added.") : t("{n} memories were added.", { n: added.toLocaleString(locale) });
}

async function forgetChat() {
  const conversation = from?.id ?? here;
  const there = from;
  const sure = await confirmed(there ? t("Forget what was said in “{title}”?", there) : t("Forget what was said in this chat?"),
    t("Its memories go for good, here and everywhere they would be recalled. The chat itself stays."), t("Forget"));
  if (!sure) return;
  const told = await order({ do: "forget-conversation", conversation });
  if (!told.ok) return tell(`${told.message} ${told.advice}`);
  announce(there ? t("What was said in “{title}” is forgotten.", there) : t("What was said in this chat is forgotten."));
}

async function erase() {
  const sure = await confirmed(t("Erase all your data?"),
    t("Every conversation, picture, recording, document, memory and setting of yours is erased from this Parley. This cannot be undone."),
    t("Erase everything"), t("erase"));
  if (!sure) return;
  tell(t("Erasing…"), "calm", now());
  const told = await order({ do: "erase", word: "erase" }, 120_000);
  if (!told.ok) return tell(`${told.message} ${told.advice}`);
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith("parley.draft")) localStorage.removeItem(key);
  } catch { /* storage is off: there is nothing in it */ }
  location.replace(location.pathname);
}
