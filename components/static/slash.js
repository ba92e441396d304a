// Commands that begin a message: the menu that completes them, and what each of them does.

import { $, $$, escape, icon, on } from "./dom.js";
import { takeAlong } from "./conversation_menu.js";
import * as conversations from "./conversations.js";
import { order } from "./orders.js";
import * as settings from "./settings.js";
import { t } from "./words.js";

const MOST_SHOWN = 8;
const WRITTEN = /^\/([a-z]*)(?:\s+([\s\S]*))?$/;

let box = null;
let menu = null;
let at = 0; // which entry the keyboard stands on
let entries = [];
let models = null; // who can chat, asked for once a menu wants to know
let asking = null;
let put = () => {};
let notice = () => {};

/** `words`: what may follow the name, and what is waited for unless it stands `alone` as well. `runs` says what is done with it; without, it is sent as it is. */
const COMMANDS = [
  { name: "model", sign: "mark", says: t("Choose who answers here"), words: t("name"), runs: chooseModel },
  { name: "system", sign: "sliders", says: t("Instruct Parley for this chat"), words: t("instructions"), runs: instruct },
  { name: "image", sign: "image", says: t("Draw a picture: 1 request"), words: t("what it shows") },
  { name: "forget", sign: "memory", says: t("Find a memory, and forget it"), words: t("what about"), runs: forget },
  { name: "export", sign: "down", says: t("Keep this chat as a file"), words: t("md, html or json"), runs: exportChat, alone: true },
  { name: "new", sign: "plus", says: t("Begin another chat"), runs: () => $("#parley-new").click() },
  { name: "temporary", sign: "fleeting", says: t("Begin a chat of which nothing is kept"), runs: () => press("temporary") },
  { name: "settings", sign: "gear", says: t("All settings"), runs: () => settings.open() },
  { name: "help", sign: "keyboard", says: t("Keyboard shortcuts"), runs: () => press("shortcuts") },
];

/** `hooks.put` writes into the box, `hooks.notice` says what went wrong or was done. */
export function begin(hooks) {
  ({ put, notice } = hooks);
  [box, menu] = [$("#parley-input textarea"), $("#parley-slash")];
  for (const [name, value] of [["autocomplete", "list"], ["controls", "parley-slash"]]) box.setAttribute(`aria-${name}`, value);
  box.addEventListener("input", look);
  box.addEventListener("blur", () => setTimeout(() => menu.contains(document.activeElement) || close(), 120));
  // Before Gradio's own keys: Enter takes the entry and sends nothing.
  document.addEventListener("keydown", onKey, true);
  menu.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the keyboard
  on("slash", (entry) => take(entries[Number(entry.dataset.at)]));
}

/** Carries out the command that stands in the box; false where it is none, or is to be sent. */
export function run(text) {
  const [, name, words = ""] = text.match(WRITTEN) ?? [];
  const command = COMMANDS.find((one) => one.name === name);
  if (command && !command.runs && !words.trim()) {
    notice(t("Say what it shall show."), t("Such as /image a lighthouse in the snow"), "calm");
    return true;
  }
  if (!command?.runs) return false;
  put("");
  close();
  command.runs(words.trim());
  return true;
}

/** Whether what stands there is a request for a picture, and costs just that. */
export const draws = (text) => /^\/image\s+\S/.test(text);

function look() {
  const [, name, words] = box.value.match(WRITTEN) ?? [];
  if (name === undefined || document.activeElement !== box) return close();
  if (words === undefined) return offer(COMMANDS.filter((one) => one.name.startsWith(name)));
  if (name === "model") return offerModels(words);
  close();
}

async function offerModels(words) {
  if (!models) {
    close();
    asking ??= order({ do: "models" }).finally(() => { asking = null; });
    models = (await asking).models ?? null;
    words = box.value.match(WRITTEN)?.[2] ?? words; // somebody goes on writing meanwhile
    if (!models) return;
  }
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const fitting = models.filter(({ model, title, label }) =>
    wanted.every((word) => `${model} ${title} ${label}`.toLowerCase().includes(word)));
  offer(fitting.map((one) => ({ ...one, sign: "mark", says: one.label, isModel: true })));
}

function offer(found) {
  entries = found.slice(0, MOST_SHOWN);
  if (!entries.length) return close();
  at = Math.min(at, entries.length - 1);
  if (menu.hidden) at = 0;
  menu.innerHTML = entries.map(drawn).join("");
  menu.hidden = false;
  mark();
}

function drawn(entry, number) {
  const name = entry.isModel ? escape(entry.title || entry.model) : `/${entry.name}${entry.words ? ` <i>${entry.words}</i>` : ""}`;
  return `<div role="option" id="parley-slash-${number}" data-do="slash" data-at="${number}">${icon(entry.sign)}<b>${name}</b><small>${escape(entry.says)}</small></div>`;
}

function mark() {
  for (const [number, entry] of $$("[role=option]", menu).entries()) {
    entry.setAttribute("aria-selected", String(number === at));
    if (number === at) entry.scrollIntoView({ block: "nearest" });
  }
  box.setAttribute("aria-activedescendant", `parley-slash-${at}`);
}

function close() {
  menu.hidden = true;
  menu.innerHTML = "";
  entries = [];
  box.removeAttribute("aria-activedescendant");
}

function onKey(event) {
  if (event.target !== box || menu.hidden || event.isComposing) return;
  const steps = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (steps) {
    at = (at + steps + entries.length) % entries.length;
    mark();
  } else if ((event.key === "Enter" && !event.shiftKey) || event.key === "Tab") take(entries[at]);
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}

function take(entry) {
  box.focus();
  if (entry.isModel) {
    put("");
    close();
    return answerWith(entry);
  }
  if (entry.words && !entry.alone) {
    put(`/${entry.name} `);
    return look();
  }
  run(`/${entry.name}`);
}

// ── what they do ────────────────────────────────────────────────────────────────────────────────

async function chooseModel(words) {
  if (!words) return press("who-answers");
  await offerModels(words);
  const found = entries.filter((one) => one.isModel);
  const exact = found.find((one) => one.model === words || one.title === words);
  close();
  if (exact ?? (found.length === 1 && found[0])) return answerWith(exact ?? found[0]);
  const why = found.length ? t("“{words}” could be several models.", { words }) : t("No model is called “{words}”.", { words });
  notice(why, t("Choose one from the list."));
  press("who-answers");
}

async function answerWith({ provider, model, title }) {
  const told = await order({ do: "choose", conversation: conversations.id(), provider, model });
  if (!told.ok) return notice(told.message, told.advice);
  notice(t("{model} answers here now.", { model: title || model }), "", "calm");
}

async function instruct(instructions) {
  if (!instructions) return settings.open("replies", true);
  const told = await order({ do: "instruct", conversation: conversations.id(), instructions });
  if (!told.ok) return notice(told.message, told.advice);
  notice(t("From now on, in this chat:"), instructions, "calm");
}

function forget(words) {
  press("memories");
  const search = $(".parley-memories input[type=search]");
  if (!words || !search) return;
  search.value = words;
  search.dispatchEvent(new Event("input", { bubbles: true }));
}

function exportChat(kind) {
  if (conversations.isFresh()) return notice(t("Nothing was said here yet."), t("There is nothing to export."));
  const isKnown = ["", "md", "html", "json"].includes(kind);
  if (!isKnown) return notice(t("“{kind}” is no kind of file here.", { kind }), t("Say md, html or json."));
  takeAlong(conversations.id(), kind || "md");
}

/** Does what a button of the page does. */
function press(name) {
  $$(`[data-do="${name}"]`).find((one) => !one.closest("dialog"))?.click();
}
