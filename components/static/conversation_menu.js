// What can be done with a conversation, a folder, and all of them: the menus of the list.

import { $, $$, escape, icon, on, store } from "./dom.js";
import * as conversations from "./conversations.js";
import { now } from "./elapsed.js";
import { make } from "./layers.js";
import { order } from "./orders.js";
import { save } from "./saving.js";
import { toast } from "./toast.js";
import { locale, t } from "./words.js";

const FORGET_MS = 14_000; // what was deleted cannot be taken back any more
const MOST_BYTES = 64_000_000;

let menu = null;
let opener = null;

export function beginMenus() {
  menu = Object.assign(document.createElement("div"), { id: "parley-menu", tabIndex: -1, popover: "auto" });
  menu.setAttribute("role", "menu");
  document.body.append(menu);
  menu.addEventListener("keydown", onKey);
  menu.addEventListener("click", ({ target }) => {
    const item = target.closest("[data-act]");
    if (item) choose(Number(item.dataset.act));
  });
  menu.addEventListener("toggle", closed);
  on("conversation-menu", (button) => openMenu(button, ofConversation(button.closest("li"))));
  on("folder-menu", (button) => openMenu(button, ofFolder(button.closest(".folder").dataset.folder)));
  on("import-conversations", chooseFile);
  on("list-menu", (button) => openMenu(button, ofAll()));
  document.addEventListener("keydown", (event) => {
    const link = event.target.closest?.("#parley-conversations li > a");
    if (!link || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "F2") conversations.rename(link.closest("li"));
    else if (event.key === "Delete") remove(link.closest("li"));
    else return;
    event.preventDefault();
  });
}

let acts = [];

function openMenu(button, items) {
  if (menu.matches(":popover-open") && opener === button) return menu.hidePopover();
  opener = button;
  acts = items.filter(Boolean);
  menu.innerHTML = acts.map(({ sign, words, risky, rule }, at) =>
    `${rule ? "<hr>" : ""}<button type="button" role="menuitem" data-act="${at}"${risky ? ' class="risky"' : ""}>${icon(sign)}<span>${escape(words)}</span></button>`).join("");
  button.setAttribute("aria-expanded", "true");
  menu.showPopover();
  const at = button.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
  menu.style.top = `${at.bottom + height + 12 < innerHeight ? at.bottom + 4 : Math.max(8, at.top - height - 4)}px`;
  $("button", menu).focus();
}

function closed({ newState }) {
  if (newState !== "closed") return;
  const back = conversations.renewed(opener);
  back?.setAttribute("aria-expanded", "false");
  const lost = document.activeElement === document.body || menu.contains(document.activeElement);
  if (lost) back?.focus();
}

function choose(number) {
  menu.hidePopover();
  conversations.renewed(opener)?.focus();
  acts[number].run();
}

function onKey(event) {
  const items = $$("button", menu);
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: (at + 1) % items.length, ArrowUp: (at - 1 + items.length) % items.length, Home: 0, End: items.length - 1 }[event.key];
  if (event.key === "Tab") menu.hidePopover();
  if (to === undefined) return;
  event.preventDefault();
  items[to].focus();
}

function ofConversation(entry) {
  const { conversation, folder, pinned, shared } = entry.dataset;
  return [
    { sign: "pin", words: pinned ? t("Unpin") : t("Pin"), run: () => told(order({ do: "pin", conversation, pinned: !pinned })) },
    { sign: "edit", words: t("Rename"), run: () => conversations.rename(current(conversation) ?? entry) },
    { sign: "folder", words: folder ? t("Move to another folder…") : t("Move to a folder…"), run: () => move(conversation, folder) },
    { sign: "link", words: shared ? t("Shared link…") : t("Share a link…"), run: () => share(conversation) },
    { sign: "down", words: t("Export as Markdown"), rule: true, run: () => takeAlong(conversation, "md") },
    { sign: "page", words: t("Export as a page (HTML)"), run: () => takeAlong(conversation, "html") },
    { sign: "copy", words: t("Export as JSON"), run: () => takeAlong(conversation, "json") },
    { sign: "trash", words: t("Delete…"), risky: true, rule: true, run: () => remove(current(conversation) ?? entry) },
  ];
}

/** The entry as it stands in the list now, which may have been drawn anew. */
const current = (conversation) => $(`[data-pane=conversations] [data-conversation="${conversation}"]`);

function ofFolder(folder) {
  return [
    { sign: "edit", words: t("Rename the folder…"), run: () => renameFolder(folder) },
    { sign: "close", words: t("Dissolve the folder"), run: () => told(order({ do: "rename-folder", folder, name: "" })) },
  ];
}

function ofAll() {
  return [
    { sign: "up", words: t("Import conversations…"), run: chooseFile },
    { sign: "down", words: t("Export everything (zip)"), run: () => save("/parley/conversations.zip") },
  ];
}

/** Saves a conversation as a file: "md", "html" or "json". The slash command /export comes here too. */
export const takeAlong = (conversation, kind = "md") => save(`/parley/conversations/${conversation}.${kind}`);

async function told(answer) {
  const { ok, message, advice } = await answer;
  if (!ok) toast(`${message} ${advice}`);
  return ok;
}

// --- deleting, with a way back

async function remove(entry) {
  const { conversation } = entry.dataset;
  const name = $("a", entry)?.textContent ?? "";
  let answer = await order({ do: "delete", conversation });
  if (answer.ok && answer.memories) {
    const n = answer.memories;
    const count = n >= 100 ? t("100 and more memories") : n === 1 ? t("1 memory") : t("{n} memories", { n });
    const verdict = await asked(name, count);
    if (!verdict) return;
    answer = await order({ do: "delete", conversation, memories: verdict === "all" });
  }
  if (!answer.ok) return toast(`${answer.message} ${answer.advice}`);
  conversations.leaveGone(conversation);
  const short = name.length > 40 ? `${name.slice(0, 40).trim()}…` : name;
  toast(t("“{title}” is deleted.", { title: short }), { act: t("Undo"), run: async () => {
    if (await told(order({ do: "take-back", conversation }))) conversations.open(conversation, true);
  } });
  setTimeout(() => { if (!current(conversation)) store.set(`parley.draft.${conversation}`, null); }, FORGET_MS);
}

/** Whether the memories go too: "all", "talk" for the conversation alone, or "" for nothing. */
function asked(name, count) {
  const why = t("Parley remembers things from “{title}”: {memories}. Shall they be forgotten too?", { title: escape(name), memories: count });
  const dialog = make("ask", `<h2>${t("Delete this conversation?")}</h2><p>${why}</p>
    <form method="dialog"><button type="button" class="plain" value="">${t("Cancel")}</button>
    <button class="plain" value="talk">${t("Keep the memories")}</button><button class="danger" value="all">${t("Forget them too")}</button></form>`);
  $("button[value='']", dialog).addEventListener("click", () => dialog.close(""));
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue));
    dialog.showModal();
    $("button[value=all]", dialog).focus();
  });
}

// --- folders

async function move(conversation, folder) {
  const { folders = [] } = await order({ do: "folders" });
  const others = folders.filter((name) => name !== folder);
  const listed = others.map((name) => `<button value="${escape(name)}" class="plain">${icon("folder")}<span>${escape(name)}</span></button>`).join("");
  const out = folder ? `<button value="" class="plain" data-out>${icon("close")}<span>${t("Out of “{folder}”", { folder: escape(folder) })}</span></button>` : "";
  const dialog = make("ask", `<h2>${t("Move to a folder")}</h2><div class="choices">${listed}${out}</div>
    <form><label>${t("A new folder")} <input maxlength="60" autocomplete="off"></label>
    <button type="button" class="plain" data-cancel>${t("Cancel")}</button><button class="go">${t("Create and move")}</button></form>`);
  const put = async (name) => {
    dialog.close();
    if (await told(order({ do: "put", conversation, folder: name }))) conversations.showFolder(name.trim());
  };
  dialog.addEventListener("click", ({ target }) => {
    const button = target.closest(".choices button");
    if (button) put(button.value);
    else if (target.closest("[data-cancel]")) dialog.close();
  });
  $("form", dialog).addEventListener("submit", (event) => {
    event.preventDefault();
    const name = $("input", dialog).value.trim();
    if (name) put(name);
  });
  dialog.showModal();
  ($(".choices button", dialog) ?? $("input", dialog)).focus();
}

function renameFolder(folder) {
  const dialog = make("ask", `<h2>${t("Rename the folder")}</h2><form><label>${t("Name")} <input maxlength="60" autocomplete="off" value="${escape(folder)}"></label>
    <button type="button" class="plain" data-cancel>${t("Cancel")}</button><button class="go">${t("Rename")}</button></form>`);
  $("[data-cancel]", dialog).addEventListener("click", () => dialog.close());
  $("form", dialog).addEventListener("submit", async (event) => {
    event.preventDefault();
    const name = $("input", dialog).value.trim();
    dialog.close();
    if (name && name !== folder && await told(order({ do: "rename-folder", folder, name }))) conversations.showFolder(name);
  });
  dialog.showModal();
  $("input", dialog).select();
}

// --- sharing

async function share(conversation) {
  const dialog = make("ask", "");
  const draw = (share) => {
    const said = (count) => (count === 1 ? t("1 message") : t("{n} messages", { n: count.toLocaleString(locale) }));
    const link = share.link && new URL(share.link, location.href).href;
    dialog.innerHTML = share.link
      ? `<h2>${t("Shared by a link")}</h2><p>${t("Whoever has it can read {messages}, pictures included. Nothing else of yours is shown.", { messages: said(share.messages) })}</p>
        <label class="link"><input readonly value="${escape(link)}" aria-label="${t("Link")}"><button type="button" class="plain" data-act="copy">${icon("copy")}<span>${t("Copy")}</span></button></label>
        ${share.newer ? `<p class="newer">${t("{messages} came after that.", { messages: said(share.newer) })} <button type="button" class="link" data-act="share">${t("Show them too")}</button></p>` : ""}
        <form method="dialog"><button type="button" class="plain risky" data-act="withdraw">${t("Withdraw the link")}</button><button class="go">${t("Done")}</button></form>`
      : `<h2>${t("Share a link?")}</h2><p>${t("Whoever has the link can read what was said here until now, pictures included, without logging in. What you say later is not shown. You can withdraw it any time.")}</p>
        <form method="dialog"><button type="button" class="plain" data-act="close">${t("Cancel")}</button><button type="button" class="go" data-act="share">${t("Make a link")}</button></form>`;
    ($("[data-act=copy]", dialog) ?? $(".go", dialog)).focus();
  };
  const ask = async (shared) => {
    const answer = await order({ do: "share", conversation, ...(shared === undefined ? {} : { shared }) });
    if (answer.ok) draw(answer);
    else { dialog.close(); toast(`${answer.message} ${answer.advice}`); }
  };
  dialog.addEventListener("click", async ({ target }) => {
    const act = target.closest("[data-act]")?.dataset.act;
    if (act === "close") dialog.close();
    else if (act === "share") await ask(true);
    else if (act === "withdraw") {
      await ask(false);
      dialog.close();
      toast(t("The link shows nothing any more."));
    } else if (act === "copy") {
      const input = $("input", dialog);
      try { await navigator.clipboard.writeText(input.value); } catch { input.select(); document.execCommand("copy"); }
      $("[data-act=copy] span", dialog).textContent = t("Copied");
    }
  });
  dialog.showModal();
  await ask();
}

// --- import

function chooseFile() {
  const input = Object.assign(document.createElement("input"), { type: "file", accept: ".json,.zip,application/json,application/zip" });
  input.addEventListener("change", () => input.files[0] && bringIn(input.files[0]));
  input.click();
}

export async function bringIn(file) {
  if (file.size > MOST_BYTES) return toast(t("This file is larger than 64 MB. Zip it, or take conversations.json alone out of the export."));
  const say = toast(t("Importing…"), { since: now() });
  let last = { added: 0, known: 0, left_out: 0 };
  try {
    const answer = await fetch("/parley/conversations", { method: "POST", body: file, headers: { "content-type": "application/octet-stream" } });
    if (!answer.ok) { const { message, advice } = await answer.json(); return say(`${message} ${advice}`); }
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      rest += value ?? "";
      const lines = rest.split("\n");
      rest = lines.pop();
      for (const told of lines.map((one) => JSON.parse(one))) {
        if (told.message) return say(`${told.message} ${told.advice} ${last.added ? t("{n} had come in.", { n: last.added }) : ""}`);
        if (told.done) return say(summary(last));
        last = told;
        say(t("Importing… {n} conversations", { n: last.added.toLocaleString(locale) }), true);
      }
      if (done) return say(t("The import was cut off. What came in is there; import the file again for the rest."));
    }
  } catch {
    say(t("The file could not be brought here. Check that Parley still runs."));
  }
}

function summary({ added, known, left_out: missed }) {
  const words = [added === 1 ? t("1 conversation came in.") : t("{n} conversations came in.", { n: added.toLocaleString(locale) })];
  if (known) words.push(t("{n} were here already.", { n: known.toLocaleString(locale) }));
  if (missed) words.push(t("{n} files could not be kept.", { n: missed.toLocaleString(locale) }));
  return words.join(" ");
}
