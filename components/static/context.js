// What the model sees of the conversation: the meter, the marker between what is sent and what is
// not, and messages that are always sent.

import { $, $$, on } from "./dom.js";
import * as chat from "./chat.js";
import * as composer from "./composer.js";
import { counter, now } from "./elapsed.js";
import * as conversations from "./conversations.js";
import * as layers from "./layers.js";
import { order } from "./orders.js";
import { t } from "./words.js";

const PATIENCE_MS = 180_000; // a summary is written by the model

const list = () => $("#parley-messages");
let drawn = ""; // how the messages were marked last
let told = ""; // what the newest reply has said of it
let since = null; // what the meter has said of it since then
let wanted = false; // the reader asked to see what is before the marker
const summarising = new Map(); // the conversations whose earlier part is being summarised, since when

export function begin() {
  on("context", (button) => layers.openCard(button));
  on("send-whole", () => sendWhole(true));
  on("summarise", summarise);
  on("show-unsent", showUnsent);
  on("pin-message", pin);
  $("#parley-context").addEventListener("change", ({ target }) => {
    if (target.dataset.switch === "whole") sendWhole(target.checked);
  });
}

/** The meter as it is now. While a reply begins, the one of before stays until the new is known. */
export function show(html) {
  const box = $("#parley-context");
  if (!html && chat.isRunning()) return;
  const open = $(":popover-open", box) !== null;
  const held = open && document.activeElement?.closest("#parley-context") ? document.activeElement : null;
  const again = held?.dataset.do ? `[data-do="${held.dataset.do}"]` : "input";
  box.innerHTML = html;
  document.body.dataset.whole = $("[data-whole]", box) ? "yes" : "";
  showSummarising();
  if (open && $(".meter", box)) {
    layers.openCard($(".meter", box));
    if (held) ($(again, box) ?? $(".meter", box)).focus();
  }
  const note = $(".sent-from", box);
  since = note?.dataset.conversation === conversations.id() ? note : null;
  place();
}

/** Puts the marker before the first message that is sent, as the newest reply has it, or the meter since. */
export function place(anew = false) {
  const messages = list();
  let note = null;
  let reply = messages.lastElementChild;
  for (; reply && !note; reply = note ? reply : reply.previousElementSibling) note = $(".sent-from", reply);
  const said = note ? `${reply.dataset.id} ${note.outerHTML}` : "";
  if (said !== told) [told, since] = [said, null];
  if (note && since) note = since;
  const first = Number(note?.dataset.dropped) ? firstSent(note, reply) : null;
  const state = first ? `${first.dataset.id} ${note.innerHTML} ${messages.childElementCount} ${chat.first()}` : "";
  const marker = $(":scope > .marker", messages);
  if (!anew && state === drawn && Boolean(marker) === Boolean(first) && (!marker || marker.nextElementSibling === first)) return;
  drawn = state;
  const again = marker?.contains(document.activeElement) ? document.activeElement.dataset.do : "";
  marker?.remove();
  for (const box of $$(":scope > .unsent", messages)) box.classList.remove("unsent");
  if (!first) return;
  const made = note.content.firstElementChild.cloneNode(true);
  first.before(made);
  for (let box = made.previousElementSibling; box; box = box.previousElementSibling) box.classList.add("unsent");
  if (again) $(`[data-do="${again}"]`, made)?.focus();
  if (wanted) showUnsent();
}

/** The message itself; the question of the reply where nothing before it is sent. Null where it is not shown. */
function firstSent(note, reply) {
  const { from } = note.dataset;
  if (from) return $(`:scope > [data-id="${CSS.escape(from)}"]`, list());
  const question = reply.previousElementSibling;
  return question?.matches(".marker") ? question.previousElementSibling : question;
}

/** Brings the last messages before the marker into view; asks for them where they are not here. */
function showUnsent() {
  $("#parley-context :popover-open")?.hidePopover();
  const marker = $(":scope > .marker", list());
  const before = marker?.previousElementSibling;
  const earlier = $("#parley-earlier");
  wanted = !before && !earlier.hidden;
  if (wanted) return earlier.click();
  if (before) chat.bring(before, "end");
}

async function sendWhole(whole) {
  const conversation = conversations.id();
  const told = await order({ do: "send-whole", conversation, whole });
  if (!told.ok) return composer.notice(told.message, told.advice);
  if (conversation !== conversations.id()) return;
  document.body.dataset.whole = whole ? "yes" : "";
  $("#parley-announcer").textContent = whole
    ? t("All that fits goes along from your next message on.") : t("Only what is needed goes along.");
}

async function summarise() {
  const conversation = conversations.id();
  if (summarising.has(conversation)) return;
  summarising.set(conversation, now());
  showSummarising();
  const told = await order({ do: "summarise", conversation }, PATIENCE_MS);
  summarising.delete(conversation);
  showSummarising();
  if (!told.ok) return composer.notice(told.message, told.advice);
  if (conversation !== conversations.id()) return;
  $("#parley-context :popover-open")?.hidePopover();
  composer.notice(t("The earlier part is summarised."), t("The summary goes along from your next message on."), "calm");
}

/** The button may be drawn anew meanwhile: a second click would be a second request. */
function showSummarising() {
  const button = $("#parley-context [data-do=summarise]");
  if (!button) return;
  const words = $("span", button);
  words.dataset.label ??= words.textContent;
  const since = summarising.get(conversations.id());
  button.disabled = since !== undefined;
  words.textContent = button.disabled ? t("Summarising…") : words.dataset.label;
  if (button.disabled) words.insertAdjacentHTML("beforeend", counter(since));
}

async function pin(button) {
  const pinned = button.getAttribute("aria-pressed") !== "true";
  const message = button.closest("article").dataset.id;
  const told = await order({ do: "pin-message", conversation: conversations.id(), message, pinned });
  if (!told.ok) return composer.notice(told.message, told.advice);
  const now = $(`:scope > [data-id="${CSS.escape(message)}"] [data-do=pin-message]`, list());
  now?.setAttribute("aria-pressed", String(pinned));
  if (now) now.title = pinned ? t("Always sent") : t("Always send");
}
