// What goes along with the next message: pictures, recordings and documents, uploaded as soon as they
// are chosen. What a file is, its content decides, once it was uploaded.

import { $, $$, escape, icon, on } from "./dom.js";
import { counter } from "./elapsed.js";
import { order } from "./orders.js";
import { locale, t } from "./words.js";

const MOST_BYTES = 25 * 1024 * 1024;
const MOST = 5;
const MOST_NAMED = 4; // of those that are refused for the same reason
const OWN = new Set(["recording.wav", "audio"]); // what was recorded here needs no name
const SHOWN = /^image\/(png|jpeg|gif|webp|avif)$/;

let items = [];
let refused = []; // told together while the notice is open
let changed = () => {};
let complain = () => {};
let unsure = async (item) => item;
let conversation = () => "";

/** `onRough` is given a recording that only this machine would understand: its words are read first.
 * `here` tells for which conversation a file is uploaded. */
export function begin(onChange, onTrouble, onRough, here) {
  [changed, complain, unsure, conversation] = [onChange, onTrouble, onRough, here];
  on("detach", (button) => remove(items.find((item) => item.box === button.closest(".attached"))));
}

export const all = () => items;
export const holds = (item) => items.includes(item);
export const of = (element) => items.find((item) => item.box.contains(element));
/** Whether there is nothing to send; a recording whose words were all taken out is nothing. */
export const isEmpty = () => items.every((item) => item.words && !item.words().trim());
/** Those whose words are still to be paid for. */
export const recordings = () => items.filter((item) => item.kind === "audio" && item.state !== "heard" && !item.rough).length;
export const isFull = (name) => items.length >= MOST && refuse(t("A message takes {n} attachments.", { n: MOST }), t("Send these first."), name) === null;

/** Adds a file and uploads it, as `bring` does that; resolves to its item, or null if it was refused. */
export async function add(file, bring = uploaded) {
  const kind = SHOWN.test(file.type) ? "image" : file.type.startsWith("audio/") ? "audio" : "document";
  if (file.size > MOST_BYTES) return refuse(t("This file is larger than 25 MB."), t("Choose a smaller one."), file.name);
  if (isFull(file.name)) return null;
  const item = { kind, file, box: document.createElement("div"), name: file.name || kind, sha256: "" };
  items.push(item);
  item.url = URL.createObjectURL(file);
  show(item);
  $("#parley-attachments").append(item.box);
  item.done = bring(item);
  changed();
  return item.done;
}

async function uploaded(item) {
  const kept = await upload(item);
  return kept?.rough ? unsure(kept) : kept;
}

/** Resolves to the item, or null: it was refused, or nobody answered. `keep` leaves it here then. */
export async function upload(item, keep = false) {
  let told;
  try {
    const { status, text } = await sent(item);
    told = JSON.parse(text);
    if (status >= 400) throw new Error("refused");
  } catch {
    if (keep && !told) return null;
    remove(item);
    return refuse(told?.message ?? t("The upload failed."), told?.advice ?? t("Check that Parley still runs."), item.name);
  }
  if (!items.includes(item)) return null; // removed meanwhile
  Object.assign(item, { sha256: told.sha256, rough: told.rough, told });
  if (told.note && told.kind === "image") item.url = told.url; // what was kept, not what moves
  // Of what the browser does not play itself it plays the form in which it was kept.
  const deaf = told.kind === "audio" && $("audio", item.box)?.error;
  if (deaf) item.url = told.url;
  if (!deaf && item.kind === told.kind && told.kind !== "document" && !told.note) idle(item, told);
  else show(Object.assign(item, { kind: told.kind }), told);
  changed();
  return item;
}

/** The bytes on their way, with how far they are: what takes longer than a second says so. */
function sent(item) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/parley/media");
    request.setRequestHeader("x-file-name", encodeURIComponent(item.name));
    request.setRequestHeader("x-conversation", conversation());
    request.upload.onprogress = ({ loaded, total }) => doing(item, loaded < total ? t("Uploading {share} %", { share: Math.floor((100 * loaded) / total) }) : "");
    request.upload.onload = () => doing(item, "");
    request.onload = () => resolve({ status: request.status, text: request.responseText });
    request.onerror = request.onabort = reject;
    item.stop = () => request.abort();
    request.send(item.file);
  });
}

function doing(item, words) {
  const told = $(":scope > .doing span, .paper small span", item.box);
  if (told) told.textContent = words || (item.kind === "document" ? t("Reading …") : t("Checking …"));
}

/** Ready, as it looks already: nothing is loaded a second time. */
function idle(item, told) {
  item.box.classList.remove("busy");
  item.box.removeAttribute("aria-busy");
  for (const old of $$(":scope > :is(.doing, .title)", item.box)) old.remove(); // not what is said of its words
  const words = item.kind === "image" ? worth(told) : recorded(item);
  $("img, .player", item.box).insertAdjacentHTML("afterend", words);
}

/** Every file that is not taken is named, with why, which is said once; the others stay. */
function refuse(message, advice, name) {
  if ($("#parley-notice").hidden) refused = [];
  refused.push({ name: name ?? "", why: message, advice });
  if (refused.length === 1) complain(name ? `${name}: ${message}` : message, advice);
  else complain(t("{n} files were not taken.", { n: refused.length }), reasons().map((line) => `\n${line}`).join(""));
  return null;
}

function reasons() {
  const names = new Map();
  for (const { name, why, advice } of refused) {
    const words = `${why} ${advice}`;
    names.set(words, [...names.get(words) ?? [], name].filter(Boolean));
  }
  return [...names].map(([words, all]) => {
    const shown = all.slice(0, MOST_NAMED).join(", ") + (all.length > MOST_NAMED ? ", …" : "");
    return shown ? `${shown}: ${words}` : words;
  });
}

const uploading = () => `<small class="doing"><span>${t("Uploading …")}</span>${counter()}</small>`;

const shapes = {
  image: (item, told) => `<img src="${item.url}" alt="${escape(item.name)}">${told ? worth(told) : uploading()}`,
  audio: (item, told) => `<div class="player"><button type="button" data-do="play" aria-label="${t("Play")}">${icon("play")}${icon("pause")}</button>
    <input type="range" min="0" max="1000" value="0" aria-label="${t("Position")}"><output></output><audio src="${item.url}" preload="metadata"></audio></div>${told || OWN.has(item.name) ? "" : uploading()}${recorded(item)}`,
  document: (item, told) => `<div class="paper">${icon("page")}<span><b>${escape(item.name)}</b><small>${told ? size(told) : `<span>${t("Reading …")}</span>${counter()}`}</small></span></div>`,
};

/** What a picture takes of the window; models differ, and this is the most. */
function worth({ note, tokens }) {
  const words = [note, tokens && t("up to {n} tokens", { n: tokens.toLocaleString(locale) })].filter(Boolean).join(" · ");
  return words && `<small class="note" title="${escape(words)}">${escape(words)}</small>`;
}

/** A file's name, and that its words are a request of their own; a take says so where it is written down. */
function recorded({ name, told }) {
  const cost = told?.requests ? `<span>· ${t("1 request")}</span>` : "";
  return OWN.has(name) ? "" : `<small class="title"><span>${escape(name)}</span>${cost}</small>`;
}

const size = ({ length, tokens, note }) =>
  [length, tokens && t("about {n} tokens", { n: tokens.toLocaleString(locale) }), note, !tokens && !note && t("no text was found in it")].filter(Boolean).join(" · ");

/** The item as it looks; `told` is what the house knows of it, once it was uploaded. */
function show(item, told) {
  item.box.className = `attached ${item.kind}${told ? "" : " busy"}`;
  item.box.toggleAttribute("aria-busy", !told);
  if (!told) item.box.ariaBusy = "true";
  item.box.innerHTML = `${shapes[item.kind](item, told)}<button type="button" class="remove" data-do="detach"
    aria-label="${t("Remove {name}", { name: escape(item.name) })}">${icon("close")}</button>`;
}

/** What is uploaded and waits here, to be brought back after a reload; written down takes are kept elsewhere. */
export const kept = () => items.filter((item) => item.sha256 && item.told && !item.words)
  .map(({ kind, name, sha256, told }) => ({ kind, name, sha256, told }));

/** Puts those that wait in another conversation in the place of those that wait here. */
export function swap(waiting) {
  const leaving = items.filter((item) => item.sha256 && item.told && !item.words);
  items = items.filter((item) => !leaving.includes(item));
  for (const item of leaving) item.box.remove();
  const here = new Set(items.map((item) => item.sha256)); // a take that was written down is back already
  for (const one of waiting.filter(({ sha256 }) => !here.has(sha256))) {
    const item = { ...one, box: document.createElement("div"), url: `/parley/media/${one.sha256}` };
    items.push(item);
    show(item, one.told);
    $("#parley-attachments").append(item.box);
    // What was thrown away at the server meanwhile is no attachment any more.
    $("img", item.box)?.addEventListener("error", () => { items = items.filter((other) => other !== item); item.box.remove(); changed(); });
  }
}

/** A recording that was written down before the page was loaded. */
export function bringBack({ sha256, name }) {
  const item = { kind: "audio", box: document.createElement("div"), name, sha256, url: `/parley/media/${sha256}` };
  items.push(item);
  show(item, {});
  $("#parley-attachments").append(item.box);
  return item;
}

export function remove(item) {
  if (!item || !items.includes(item)) return;
  if (item.kind === "audio" && item.sha256) order({ do: "discard", conversation: conversation(), recording: item.sha256 });
  items = items.filter((other) => other !== item);
  if (!item.sha256) item.stop?.();
  item.box.remove();
  URL.revokeObjectURL(item.url);
  changed();
}

/** Lets go of all that waits here; what was uploaded stays at the server. */
export function clear() {
  for (const item of items) {
    if (!item.sha256) item.stop?.();
    item.box.remove();
    if (item.file) URL.revokeObjectURL(item.url);
  }
  items = [];
}

/** Takes all, once they are uploaded, out of the tray; `give` puts them back. */
export async function take() {
  await Promise.all(items.map((item) => item.done));
  const taken = items.filter((item) => item.sha256);
  items = items.filter((item) => !item.sha256); // a take that could not be uploaded
  for (const item of taken) item.box.remove();
  changed();
  return taken;
}

export function give(taken) {
  items.push(...taken);
  for (const item of taken) $("#parley-attachments").append(item.box);
  changed();
}
