// What goes along with the next message: pictures, recordings and documents, uploaded as soon as they
// are chosen. What a file is, its content decides, once it was uploaded.

import { $, escape, icon, on } from "./dom.js";

const MOST_BYTES = 25 * 1024 * 1024;
const MOST = 5;
const SHOWN = /^image\/(png|jpeg|gif|webp)$/;

let items = [];
let changed = () => {};
let complain = () => {};

export function begin(onChange, onTrouble) {
  [changed, complain] = [onChange, onTrouble];
  on("detach", (button) => remove(items.find((item) => item.box === button.closest(".attached"))));
}

export const isEmpty = () => items.length === 0;
export const recordings = () => items.filter((item) => item.kind === "audio").length;

/** Adds a file and uploads it; resolves to its item, or null if it was refused. */
export async function add(file) {
  const kind = SHOWN.test(file.type) ? "image" : file.type.startsWith("audio/") ? "audio" : "document";
  if (file.size > MOST_BYTES) return refuse("This file is larger than 25 MB.", "Choose a smaller one.");
  if (items.length >= MOST) return refuse(`A message takes ${MOST} attachments.`, "Send these first.");
  const item = { kind, box: document.createElement("div"), name: file.name || kind, sha256: "" };
  items.push(item);
  item.url = URL.createObjectURL(file);
  show(item);
  $("#parley-attachments").append(item.box);
  item.done = upload(item, file);
  changed();
  return item.done;
}

async function upload(item, file) {
  let told;
  try {
    const response = await fetch("/parley/media", {
      method: "POST", body: file, headers: { "x-file-name": encodeURIComponent(item.name) },
    });
    told = await response.json();
    if (!response.ok) throw new Error("refused");
  } catch {
    remove(item);
    return refuse(told?.message ?? "The upload failed.", told?.advice ?? "Check that Parley still runs.");
  }
  if (!items.includes(item)) return null; // removed meanwhile
  item.sha256 = told.sha256;
  if (item.kind === told.kind && told.kind !== "document") item.box.classList.remove("busy");
  else show(Object.assign(item, { kind: told.kind }), told);
  changed();
  return item;
}

function refuse(message, advice) {
  complain(message, advice);
  return null;
}

const shapes = {
  image: (item) => `<img src="${item.url}" alt="${escape(item.name)}">`,
  audio: (item) => `<div class="player"><button type="button" data-do="play" aria-label="Play">${icon("play")}${icon("pause")}</button>
    <input type="range" min="0" max="1000" value="0" aria-label="Position"><output></output><audio src="${item.url}" preload="metadata"></audio></div>`,
  document: (item, told) => `<div class="paper">${icon("page")}<span><b>${escape(item.name)}</b><small>${told ? size(told) : "Reading …"}</small></span></div>`,
};

const size = ({ length, tokens }) =>
  tokens ? `${length} · about ${tokens.toLocaleString()} tokens` : `${length} · no text was found in it`;

/** The item as it looks; `told` is what the house knows of it, once it was uploaded. */
function show(item, told) {
  item.box.className = `attached ${item.kind}${told ? "" : " busy"}`;
  item.box.innerHTML = `${shapes[item.kind](item, told)}<button type="button" class="remove" data-do="detach"
    aria-label="Remove ${escape(item.name)}">${icon("close")}</button>`;
}

function remove(item) {
  if (!item || !items.includes(item)) return;
  items = items.filter((other) => other !== item);
  item.box.remove();
  URL.revokeObjectURL(item.url);
  changed();
}

/** Takes all, once they are uploaded, out of the tray; `give` puts them back. */
export async function take() {
  await Promise.all(items.map((item) => item.done));
  const taken = items.filter((item) => item.sha256);
  items = [];
  for (const item of taken) item.box.remove();
  changed();
  return taken;
}

export function give(taken) {
  items.push(...taken);
  for (const item of taken) $("#parley-attachments").append(item.box);
  changed();
}
