// What can be done with a memory, wherever it is shown: under a reply, on its card, in the panel.
//
// The live pane and the turns redraw what they show, often before an order is answered: after an
// `await` what was clicked may be gone, so memories are looked for again by their ids.

import { $, $$, on } from "./dom.js";
import * as chat from "./chat.js";
import * as composer from "./composer.js";
import * as conversations from "./conversations.js";
import { counter } from "./elapsed.js";
import * as layers from "./layers.js";
import * as line from "./line.js";
import { order } from "./orders.js";
import { t } from "./words.js";

const SURE_MS = 5000; // how long "Forget for good" waits for the second click
const LONGEST = 8000;
const PATIENCE_MS = 120_000; // a book has thousands of passages

let complain = () => {};
let leavePanel = () => {};

export function begin(onTrouble, onLeave) {
  [complain, leavePanel] = [onTrouble, onLeave];
  on("memory", (chip) => layers.openCard(chip));
  on("unfold-chips", unfold);
  on("edit-memory", edit);
  on("pin-memory", pin);
  on("forget-memory", forget);
  on("undo-memory", undo);
  on("wrong", wrong);
  on("origin", toOrigin);
  on("keep-document", keepDocument);
  const redrawn = new MutationObserver(showKept);
  for (const box of ["#parley-messages", "[data-pane=memory]"]) redrawn.observe($(box), { childList: true });
}

const holderOf = (element) => element.closest("[data-memory]");
const all = (id) => $$(`[data-memory="${CSS.escape(id)}"]`);

/** Says it to those who listen, inside the dialog that is open or beside the chat. */
export function announce(words) {
  ($("dialog[open] [role=status]") ?? $("#parley-announcer")).textContent = words;
}

/** The panel says why it was not done where it is open, else the composer does. */
function refuse(told) {
  const box = $("dialog[open] .choice-told");
  if (!box) return complain(told.message, told.advice);
  box.hidden = false;
  box.textContent = `${told.message} ${told.advice}`;
}

function unfold(button) {
  const folded = button.nextElementSibling;
  folded.hidden = false;
  $("button", folded).focus();
  button.remove();
}

function edit(button) {
  const holder = holderOf(button);
  if ($("form", holder)) return;
  const words = $(".kept-words", holder);
  const form = document.createElement("form");
  form.className = "rewrite";
  form.innerHTML = `<textarea maxlength="${LONGEST}" aria-label="${t("The words of this memory")}"></textarea>
    <div><button type="submit" class="plain keep">${t("Save")}</button><button type="button" class="plain">${t("Cancel")}</button></div>`;
  const box = $("textarea", form);
  box.value = words.textContent;
  box.rows = Math.min(10, Math.max(2, Math.ceil(box.value.length / 46)));
  const close = () => {
    form.remove();
    delete holder.dataset.editing;
    if (button.isConnected) button.focus();
    else keepFocus();
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save(holder, box.value.trim(), close);
  });
  $("[type=button]", form).addEventListener("click", close);
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    if (event.key !== "Escape") return;
    event.preventDefault(); // the card or the panel stays open
    event.stopPropagation();
    close();
  });
  holder.dataset.editing = "yes";
  words.after(form);
  box.focus();
}

async function save(holder, text, close) {
  const id = holder.dataset.memory;
  if (!text || text === $(".kept-words", holder).textContent) return close();
  const told = await order({ do: "edit-memory", memory: id, text });
  if (!told.ok) return refuse(told);
  close();
  for (const same of all(id)) {
    $(".kept-words", same).textContent = text;
    const chip = chipOf(same);
    if (chip && !chip.matches(".passage")) $(".chip-words", chip).textContent = text.replace(/\s+/g, " ").slice(0, 60);
  }
  announce(t("Saved."));
}

const chipOf = (holder) => (holder.matches(".memory-card") ? holder.previousElementSibling : null);

async function pin(button) {
  const holder = holderOf(button);
  const pinned = button.getAttribute("aria-pressed") !== "true";
  const told = await order({ do: "pin-memory", memory: holder.dataset.memory, pinned });
  if (!told.ok) return refuse(told);
  for (const same of all(holder.dataset.memory)) {
    const mark = $("[data-do=pin-memory]", same);
    mark?.setAttribute("aria-pressed", String(pinned));
    if (mark) $("span", mark).textContent = pinned ? mark.dataset.pressed : mark.dataset.released;
  }
  announce(pinned ? `${button.title}.` : t("No longer pinned."));
}

/** The first click asks, the second forgets. */
async function forget(button) {
  const holder = holderOf(button);
  if (!button.dataset.sure) return ask(button);
  await drop(holder, t("Forgotten."));
}

function ask(button) {
  const words = $("span", button);
  const back = () => {
    clearTimeout(waiting);
    delete button.dataset.sure;
    words.textContent = t("Forget");
    button.removeEventListener("blur", back);
  };
  button.dataset.sure = "yes";
  words.textContent = t("Forget for good");
  announce(t("Press once more to forget for good."));
  button.addEventListener("blur", back);
  const waiting = setTimeout(back, SURE_MS);
}

const undo = (button) => drop(holderOf(button), t("Not remembered."));

async function drop(holder, said) {
  const told = await order({ do: "forget", memory: holder.dataset.memory });
  if (!told.ok) return refuse(told);
  vanish(holder, said);
}

/** Takes it from the page wherever it stands; the keyboard goes to what is next to it. */
function vanish(holder, said) {
  const every = all(holder.dataset.memory);
  const here = holder.isConnected ? holder : every.find((same) => same.contains(document.activeElement));
  const next = here && nextTo(here);
  for (const same of every) remove(same);
  announce(said);
  if (next) next.focus();
  else keepFocus(); // a redraw was quicker, and has seen to the keyboard in the panel
}

function nextTo(holder) {
  if (holder.matches("li")) return neighbours(holder)[0] ?? $("input[type=search]", holder.closest("dialog"));
  const group = holder.closest(".recalled, .remembered");
  const others = $$(".chip, .link", group ?? holder).filter((box) => box !== chipOf(holder) && !holder.contains(box));
  return others[0] ?? $("#parley-input textarea");
}

/** The buttons to forget the entries of the panel that follow `row`, then those before it, nearest first. */
export function neighbours(row) {
  const rows = $$(":scope > [data-memory]", row.parentElement);
  const at = rows.indexOf(row);
  return [...rows.slice(at + 1), ...rows.slice(0, at).reverse()].map((other) => $("[data-do=forget-memory]", other));
}

/** Forgotten otherwise, by a tool or in another window: shown no longer. */
export function gone(ids) {
  for (const id of ids) {
    const every = all(id);
    const here = every.find((same) => same.contains(document.activeElement) || chipOf(same) === document.activeElement);
    const next = here && nextTo(here);
    for (const same of every) remove(same);
    next?.focus();
  }
}

/** Whoever had the keyboard on what is gone writes on. */
function keepFocus() {
  if (document.activeElement === document.body) $("#parley-input textarea").focus();
}

function remove(holder) {
  const group = holder.closest(".recalled, .remembered, ul");
  chipOf(holder)?.remove();
  holder.remove();
  if (group && !$("[data-memory]", group)) (group.closest(".kept-section") ?? group).remove();
}

async function wrong(button) {
  const card = holderOf(button);
  const reply = button.closest("article").dataset.id;
  const words = $(".kept-words", card).textContent.trim().replace(/\s+/g, " ");
  button.disabled = true;
  const told = await composer.again({ do: "wrong", reply, memory: card.dataset.memory });
  button.disabled = false;
  if (!told.ok) return complain(told.message, told.advice);
  if (card.matches(":popover-open")) card.hidePopover();
  for (const same of all(card.dataset.memory)) remove(same);
  const short = words.length > 60 ? `${words.slice(0, 60).trim()}…` : words;
  composer.notice(t("Forgotten, and answering again without it: 1 request."), `“${short}”`, "calm");
  $("#parley-input textarea").focus();
}

/** Which attached documents all chats recall: the pane at the side says so. */
function showKept() {
  const told = $("[data-pane=memory] [data-documents]")?.dataset.documents ?? "";
  const kept = new Set(told.split(" "));
  for (const button of $$("[data-do=keep-document]:not([aria-busy])")) {
    const now = kept.has(button.dataset.sha256);
    if ((button.dataset.kept === "yes") === now) continue;
    button.dataset.kept = now ? "yes" : "no";
    $("span", button).textContent = now ? button.dataset.pressed : button.dataset.released;
  }
}

async function keepDocument(button) {
  if (button.ariaBusy) return;
  const { sha256 } = button.dataset;
  const kept = button.dataset.kept !== "yes";
  button.ariaBusy = "true";
  if (kept) $("span", button).innerHTML = `${t("Adding…")}${counter()}`;
  const told = await order({ do: "keep-document", conversation: conversations.id(), sha256, kept }, PATIENCE_MS);
  button.removeAttribute("aria-busy");
  $("span", button).textContent = kept ? button.dataset.released : button.dataset.pressed;
  showKept();
  if (!told.ok) return complain(told.message, told.advice);
  announce(kept ? t("Added to your memory: all chats recall it.") : t("No longer in your memory."));
}

/** The very message where it was said, in its conversation. */
function toOrigin(link) {
  const asked = new URL(link.href).searchParams;
  link.closest(":popover-open")?.hidePopover();
  leavePanel();
  conversations.drawer(false);
  goTo(asked.get("c") ?? "", asked.get("m") ?? "");
}

export function goTo(conversation, message) {
  const here = conversation === conversations.id();
  const earlier = () => line.earlier(conversation, chat.first());
  if (message) chat.reveal(message, earlier, here);
  if (!here) conversations.open(conversation, true);
}
