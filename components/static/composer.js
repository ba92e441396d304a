// Writing, showing and saying: the box at the bottom, its drafts, and what sending does.

import { $, on, store, escape } from "./dom.js";
import * as attachments from "./attachments.js";
import * as chat from "./chat.js";
import * as conversations from "./conversations.js";
import * as dictation from "./dictation.js";
import * as settings from "./settings.js";
import * as slash from "./slash.js";
import { isTemporary } from "./temporary.js";
import { decided, nextOrder, order, settle, write } from "./orders.js";
import { t } from "./words.js";

const input = () => $("#parley-input textarea");
const speaks = () => $("#parley-speak input");
const draftKey = () => `parley.draft.${conversations.isFresh() ? "new" : conversations.id()}`;
const keep = (key, value) => store.set(key, isTemporary(conversations.id()) ? null : value);
let typedEarly = ""; // while the page was not wired yet
let spokenHere = ""; // the conversation whose next reply this page reads out
let wasTemporary = false; // the chat that was left

export function begin() {
  typedEarly = input().value;
  attachments.begin(kept, notice, dictation.writeDown, conversations.id);
  dictation.begin(refresh, notice, () => $("#parley-send").click());
  input().addEventListener("input", () => { keep(draftKey(), input().value); refresh(); });
  slash.begin({ put, notice });
  wireSpeak();
  wireFiles();
  on("suggest", (card) => suggestions[card.dataset.card]());
  on("dismiss", () => notice(""));
  document.addEventListener("keydown", onKey);
  for (const name of ["keydown", "keypress"]) document.addEventListener(name, onEnter, true); // before Gradio, which sends by Enter alone
  window.parley = { sending, stopping, ordering: nextOrder, answered: (a) => a && settle(JSON.parse(a)) };
  refresh();
}

export const isSpeakingHere = () => spokenHere === conversations.id();

/** Words are kept as they are typed; files are at the server already, and only named here. */
function kept() {
  const files = attachments.kept();
  keep(`${draftKey()}.files`, files.length ? JSON.stringify(files) : null);
  refresh();
}

export function leave() { wasTemporary = isTemporary(conversations.id()); }

/** The draft of the conversation that was opened. A temporary chat keeps its own, and takes none along. */
export function arrive() {
  notice("");
  const isNowTemporary = isTemporary(conversations.id());
  if (wasTemporary || isNowTemporary) {
    dictation.cancel();
    attachments.clear();
  }
  if (wasTemporary && !isNowTemporary) dictation.bringBack();
  input().autocomplete = isNowTemporary ? "off" : "on"; // what the browser saves to restore it
  attachments.swap(JSON.parse(store.get(`${draftKey()}.files`) ?? "[]"));
  put(typedEarly || (store.get(draftKey()) ?? ""));
  typedEarly = "";
  if (matchMedia("(hover: hover)").matches) input().focus();
}

function put(text) {
  const box = input();
  if (box.value === text) return refresh();
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Buttons and forecast as they fit what is there now. */
export function refresh() {
  const running = chat.isRunning();
  document.body.dataset.running = running ? "yes" : "";
  dictation.keep();
  const empty = !input().value.trim() && attachments.isEmpty() && !dictation.isRecording();
  $("#parley-send").toggleAttribute("data-empty", empty);
  const shown = $("#parley-forecast [data-most]");
  if (!shown) return;
  // Each recording is understood in a request of its own; a reply is spoken in one or more.
  if (slash.draws(input().value)) return void (shown.textContent = t("1 request"));
  const { least = 1, most, left = Infinity, hearing = 1, speech = 1, lent = "" } = shown.dataset;
  const heard = Number(hearing) * (attachments.recordings() + Number(dictation.isRecording()));
  const spoken = speaks().checked ? Number(speech) : 0;
  // What another provider hears or speaks is not taken from what is left at this one.
  const besides = (lent.includes("transcription") ? heard : 0) + (lent.includes("speech") ? spoken : 0);
  const here = Math.min(Number(most) + heard + spoken - besides, Number(left));
  shown.textContent = forecast(Number(least) + heard + Math.min(1, spoken), here + besides);
}

function forecast(least, most) {
  if (!most) return t("Nothing is spent here");
  const values = { n: least, most };
  if (most > least) return least > 1 ? t("{n} requests, up to {most} with tools", values) : t("1 request, up to {most} with tools", values);
  return least > 1 ? t("{n} requests", values) : t("1 request");
}

/** Says what is wrong; in a `calm` tone, what was done. */
export function notice(message, advice = "", tone = "") {
  const box = $("#parley-notice");
  box.hidden = !message;
  box.dataset.tone = tone;
  box.innerHTML = message
    ? `<p><b>${escape(message)}</b> ${escape(advice)}</p><button type="button" class="quiet" data-do="dismiss" aria-label="${t("Close")}">${window.parleyIcons.close}</button>`
    : "";
}

/** Called by Gradio when the box is submitted or Send is clicked: the slip of the order. */
async function sending() {
  const text = input().value;
  const speak = speaks().checked;
  const words = text.trim();
  if (dictation.isRecording()) return dictation.finish(true), "";
  if (!words && attachments.isEmpty()) return "";
  if (slash.run(text)) return "";
  notice("");
  const [conversation, key] = [conversations.id(), draftKey()]; // uploads take time: another may be open by then
  const before = new Map(attachments.all().map((item) => [item, item.state]));
  const media = await attachments.take();
  await decided();
  const unread = (item) => item.state !== before.get(item) && (item.rough || item.state === "failed");
  if (media.some(unread)) return attachments.give(media), "";
  if (!words && !media.length) return "";
  if (conversations.id() === conversation) {
    if (input().value === text) put("");
    conversations.settle();
    chat.toEnd();
  }
  store.set(key, null);
  spokenHere = speak ? conversation : "";
  const { slip, answer } = write({ do: "send", conversation, text: words, media: media.map((m) => m.sha256), speak,
    words: Object.fromEntries(media.filter((m) => m.words).map((m) => [m.sha256, m.words()])) });
  answer.then((told) => {
    if (told.ok) return;
    attachments.give(media);
    if (conversations.id() === conversation) {
      if (!input().value) put(text);
      notice(told.message, told.advice);
    } else if (!isTemporary(conversation)) store.set(`parley.draft.${conversation}`, text);
  });
  return slip;
}

function stopping() {
  const { slip, answer } = write({ do: "stop", conversation: conversations.id() });
  answer.then((told) => told.ok || notice(told.message, told.advice));
  return slip;
}

/** Orders another answer here, spoken like any other. */
export function again(what) {
  const [conversation, speak] = [conversations.id(), speaks().checked];
  spokenHere = speak ? conversation : "";
  return order({ ...what, conversation, speak });
}

function onKey(event) {
  if (event.key !== "Escape" || event.defaultPrevented || $("dialog[open], :popover-open")) return;
  if (document.body.dataset.drawer === "open") return conversations.drawer(false);
  if (dictation.cancel()) return;
  if (chat.isRunning()) $("#parley-stop").click();
}

/** Enter sends, or begins a line, as its owner wants; while a script is composed it does neither. */
function onEnter(event) {
  if (event.target !== input() || event.key !== "Enter" || event.shiftKey) return;
  const composes = event.isComposing || event.keyCode === 229;
  const chord = event.ctrlKey || event.metaKey;
  if (!composes && !chord && settings.sendKey() === "enter") return;
  event.stopImmediatePropagation();
  if (composes || !chord || event.type !== "keydown") return;
  event.preventDefault();
  $("#parley-send").click();
}

function wireSpeak() {
  const box = speaks();
  if (store.get("parley.speak") === "yes" && !box.checked) box.click();
  box.addEventListener("change", () => { store.set("parley.speak", box.checked ? "yes" : null); refresh(); });
}

function wireFiles() {
  const chooser = $("#parley-image input[type=file]");
  on("choose", () => chooser.click());
  on("camera", () => photograph(addAll));
  chooser.addEventListener("change", () => { addAll(chooser.files); chooser.value = ""; });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    addAll(files);
  });
  $("#parley-main").dataset.drop = t("Drop pictures, recordings or documents here");
  let depth = 0;
  const over = (yes) => { document.body.dataset.drop = yes ? "yes" : ""; };
  const holds = (event) => event.dataTransfer?.types.includes("Files");
  const says = (event) => event.dataTransfer?.types.includes("text/plain") && !event.target.closest?.("input, textarea");
  document.addEventListener("dragenter", (event) => { if (holds(event)) over(++depth > 0); });
  document.addEventListener("dragleave", (event) => { if (holds(event)) over(--depth > 0); });
  document.addEventListener("dragover", (event) => { if (holds(event) || says(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    depth = 0;
    over(false);
    const isSaid = !holds(event) && says(event);
    if (!holds(event) && !isSaid) return;
    event.preventDefault();
    // A link or some words, wherever they are dropped: the page is not left for them.
    if (isSaid) return put([input().value, event.dataTransfer.getData("text/plain")].filter(Boolean).join(" ")), input().focus();
    addAll(event.dataTransfer.files);
  });
}

/** The telephone's camera, for which it opens by itself. */
function photograph(take) {
  const camera = Object.assign(document.createElement("input"), { type: "file", accept: "image/*" });
  camera.setAttribute("capture", "environment");
  camera.addEventListener("change", () => take(camera.files));
  camera.click();
}

function addAll(files) {
  notice("");
  for (const file of files) attachments.add(file);
  input().focus();
}

const suggestions = {
  tools() {
    put(t("What time is it in Tokyo, and what is 17% of 240?"));
    $("#parley-send").click();
  },
  image: () => ask(t("What does this picture say?")),
  document: () => ask(t("Sum this up in five points, each with the page it stands on.")),
  voice: () => dictation.toggle(),
  keep: () => start(t("Remember that …")),
  memory: () => start(t("What did I say about …")),
};

/** A question about a file that is still to be chosen; what was written already stays. */
function ask(words) {
  if (!input().value.trim()) put(words);
  $("#parley-image input[type=file]").click();
}

/** A sentence to be filled in where its dots stand: at its end, or in the middle as a language wants it. */
function start(words) {
  const [before, after] = words.split(/…+/);
  put(before + after);
  input().focus();
  input().setSelectionRange(before.length, before.length);
}
