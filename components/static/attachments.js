// What goes along with the next message: pictures and recordings, uploaded as soon as they are chosen.

import { $, escape, icon, on } from "./dom.js";

const MOST_BYTES = 25 * 1024 * 1024;
const MOST = 5;

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
  const kind = file.type.startsWith("image/") ? "image" : file.type.startsWith("audio/") ? "audio" : "";
  if (!kind) return refuse(`${file.name || "This"} is no picture or recording.`, "Parley takes PNG, JPEG, GIF, WebP and WAV.");
  if (file.size > MOST_BYTES) return refuse("This file is larger than 25 MB.", "Choose a smaller one.");
  if (items.length >= MOST) return refuse(`A message takes ${MOST} attachments.`, "Send these first.");
  const item = { kind, box: document.createElement("div"), name: file.name || kind, sha256: "" };
  items.push(item);
  draw(item, URL.createObjectURL(file));
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
  Object.assign(item, { sha256: told.sha256 });
  item.box.classList.remove("busy");
  changed();
  return item;
}

function refuse(message, advice) {
  complain(message, advice);
  return null;
}

function draw(item, url) {
  item.url = url;
  item.box.className = `attached ${item.kind} busy`;
  const shown = item.kind === "image"
    ? `<img src="${url}" alt="${escape(item.name)}">`
    : `<div class="player"><button type="button" data-do="play" aria-label="Play">${icon("play")}${icon("pause")}</button>
       <input type="range" min="0" max="1000" value="0" aria-label="Position"><output></output><audio src="${url}" preload="metadata"></audio></div>`;
  item.box.innerHTML = `${shown}<button type="button" class="remove" data-do="detach"
    aria-label="Remove ${escape(item.name)}">${icon("close")}</button>`;
  $("#parley-attachments").append(item.box);
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
