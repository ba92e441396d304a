// Wires the parts of the page together once Gradio has drawn it.

import { $, $$, localise, on, ready } from "./dom.js";
import * as chat from "./chat.js";
import * as choice from "./choice.js";
import * as composer from "./composer.js";
import * as context from "./context.js";
import * as conversations from "./conversations.js";
import * as layers from "./layers.js";
import * as line from "./line.js";
import * as memories from "./memories.js";
import * as memory from "./memory.js";
import { order } from "./orders.js";
import * as sound from "./sound.js";

await ready("#parley-messages", "#parley-input textarea", "#parley-speak input", "#parley-send",
  "#parley-stop", "#parley-new", "[data-pane=conversations]", "[data-pane=usage]",
  "[data-pane=memory]", "[data-pane=context]", "#parley-memories-shell", "[data-pane=forecast]", "[data-pane=status]", "[data-pane=json]", "#parley-tray", "#parley-order", "#parley-image input", "#parley-mic button");

let shown = ""; // the conversation whose messages are in the page

const frames = {
  open(frame) {
    if (frame.conversation !== conversations.id()) return;
    chat.show(frame, shown === frame.conversation);
    shown = frame.conversation;
    context.place(true);
    afterChange();
  },
  earlier(frame) {
    if (frame.conversation !== conversations.id()) return;
    chat.showEarlier(frame);
    context.place(true);
  },
  turn(frame) {
    if (frame.conversation !== shown) return;
    chat.change(frame);
    context.place();
    afterChange();
  },
  panes({ panes }) {
    for (const [name, html] of Object.entries(panes)) {
      if (name === "conversations") conversations.show(html);
      else if (name === "choice") choice.show(html);
      else if (name === "context") context.show(html);
      else if (name === "remembering") memories.show(html);
      else fill($(`[data-pane="${name}"]`), html);
    }
    composer.refresh();
  },
  refused: ({ message, advice }) => composer.notice(message, advice),
};

function fill(box, html) {
  const open = $("details[open]", box) !== null;
  const held = box.contains(document.activeElement) && document.activeElement.dataset.do;
  box.innerHTML = html;
  if (held) $(`[data-do="${held}"]`, box)?.focus(); // the keyboard stays where it was
  if (open) for (const folded of $$("details", box)) folded.open = true; // as the reader left it
  localise(box);
}

function afterChange() {
  document.documentElement.dataset.live = "open";
  document.body.dataset.loaded = "yes";
  $("#parley-welcome").hidden = !chat.isEmpty();
  composer.refresh();
}

function leave() {
  choice.leave();
  memories.leave();
  sound.silence();
  shown = "";
}

on("theme", () => window.parleyTheme());
on("decide", decide);
on("enlarge", (button) => layers.enlarge($("img", button)));
on("copy", (button) => copied(button, chat.wordsOf(button.closest("article"))));
on("copy-code", (button) => copied(button, $("code", button.closest(".code")).textContent));

/** The owner's word to a tool that asks; the card changes when the server says so. */
async function decide(button) {
  const { call, verdict } = button.dataset;
  const buttons = $$("button", button.closest(".tool-question"));
  for (const other of buttons) other.disabled = true;
  const told = await order({ do: "decide", conversation: conversations.id(), call, verdict });
  if (told.ok) return $("#parley-input textarea").focus();
  for (const other of buttons) other.disabled = false;
  composer.notice(told.message, told.advice);
}

async function copied(button, words) {
  try {
    await navigator.clipboard.writeText(words);
  } catch {
    return composer.notice("The browser does not let this page copy.", "Select the words and copy them by hand.");
  }
  button.classList.add("copied");
  setTimeout(() => button.classList.remove("copied"), 1400);
}

chat.begin((box) => { if (composer.isSpeakingHere()) sound.play(box); });
sound.begin();
composer.begin();
choice.begin(composer.notice);
memory.begin(composer.notice, memories.leave);
memories.begin();
context.begin();
conversations.begin(leave, composer.arrive);
const message = new URLSearchParams(location.search).get("m");
if (message) chat.reveal(message, () => line.earlier(conversations.id(), chat.first()), false);
line.connect((frame) => frames[frame.kind]?.(frame));
$("#parley-earlier").addEventListener("click", () => line.earlier(conversations.id(), chat.first()));
document.documentElement.classList.add("parley-ready");
