// Wires the parts of the page together once Gradio has drawn it.

import { $, $$, localise, on, ready } from "./dom.js";
import * as aloud from "./aloud.js";
import * as call from "./call.js";
import * as chat from "./chat.js";
import * as choice from "./choice.js";
import * as composer from "./composer.js";
import * as context from "./context.js";
import { setClock } from "./elapsed.js";
import * as conversations from "./conversations.js";
import * as gallery from "./gallery.js";
import * as line from "./line.js";
import * as memories from "./memories.js";
import * as memory from "./memory.js";
import * as revisions from "./revisions.js";
import * as saving from "./saving.js";
import * as settings from "./settings.js";
import * as shortcuts from "./shortcuts.js";
import * as sound from "./sound.js";
import * as stalled from "./stalled.js";
import * as toolCards from "./tool_cards.js";
import * as tools from "./tools.js";
import * as voice from "./voice.js";
import { redraw, t } from "./words.js";

await ready("#parley-messages", "#parley-input textarea", "#parley-speak input", "#parley-send",
  "#parley-stop", "#parley-new", "#parley-begin button", "[data-pane=conversations]", "[data-pane=usage]",
  "[data-pane=memory]", "[data-pane=context]", "#parley-memories-shell", "[data-pane=tools]", "#parley-tools-shell", "[data-pane=forecast]", "[data-pane=status]", "[data-pane=json]", "#parley-tray", "#parley-order", "#parley-image input", "#parley-mic button", "#parley-call section");

redraw();

const PATIENCE_MS = 400; // what takes longer shows that it is on its way

let shown = ""; // the conversation whose messages are in the page
let late = 0;

const frames = {
  open(frame) {
    if (frame.conversation !== conversations.id()) return;
    toolCards.around(() => chat.show(frame, shown === frame.conversation), true);
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
    toolCards.around(() => chat.change(frame));
    if (frame.fresh) sound.turned(frame.messages.map((message) => message.id));
    context.place();
    afterChange(frame.moved);
  },
  panes({ panes, now }) {
    setClock(now);
    for (const [name, html] of Object.entries(panes)) {
      if (name === "conversations") conversations.show(html);
      else if (name === "choice") choice.show(html);
      else if (name === "context") context.show(html);
      else if (name === "remembering") memories.show(html);
      else if (name === "toolbox") tools.show(html);
      else fill($(`[data-pane="${name}"]`), html);
    }
    composer.refresh();
    settings.refresh();
  },
  forgotten: ({ memories: ids }) => memory.gone(ids),
  refused: ({ message, advice }) => composer.notice(message, advice),
};

function fill(box, html) {
  const open = $$("details", box).map((folded) => folded.open);
  const held = box.contains(document.activeElement) && document.activeElement.dataset.do;
  box.innerHTML = html;
  if (held) $(`[data-do="${held}"]`, box)?.focus(); // the keyboard stays where it was
  for (const [at, folded] of $$("details", box).entries()) folded.open = open[at] ?? false; // as the reader left it
  localise(box);
}

function afterChange(movedAt) {
  clearTimeout(late);
  stalled.moved(chat.newest(), movedAt);
  document.documentElement.dataset.live = "open";
  document.body.dataset.loaded = "yes";
  $("#parley-welcome").hidden = !chat.isEmpty();
  sound.refresh();
  composer.refresh();
}

function leave() {
  composer.leave();
  choice.leave();
  memories.leave();
  tools.leave();
  settings.leave();
  call.leave();
  sound.silence();
  shown = "";
  clearTimeout(late);
  late = setTimeout(() => { document.body.dataset.loaded = ""; }, PATIENCE_MS);
}

on("theme", () => window.parleyTheme());
on("copy", (button) => copied(button, chat.wordsOf(button.closest("article"))));
on("copy-code", (button) => copied(button, $("code", button.closest(".code")).textContent));

async function copied(button, words) {
  try {
    await navigator.clipboard.writeText(words);
  } catch {
    return composer.notice(t("The browser does not let this page copy."), t("Select the words and copy them by hand."));
  }
  button.classList.add("copied");
  setTimeout(() => button.classList.remove("copied"), 1400);
}

chat.begin((box, article) => sound.heard(box, article, call.isOn() || composer.isSpeakingHere()));
sound.begin();
aloud.begin(composer.notice);
call.begin(composer.notice);
composer.begin();
gallery.begin();
revisions.begin();
choice.begin(composer.notice);
voice.begin(composer.notice);
memory.begin(composer.notice, memories.leave);
memories.begin();
tools.begin();
saving.begin();
settings.begin();
shortcuts.begin();
toolCards.begin(composer.notice);
context.begin();
conversations.begin(leave, composer.arrive);
const message = new URLSearchParams(location.search).get("m");
if (message) chat.reveal(message, () => line.earlier(conversations.id(), chat.first()), false);
line.connect((frame) => frames[frame.kind]?.(frame));
$("#parley-earlier").addEventListener("click", () => line.earlier(conversations.id(), chat.first()));
document.documentElement.classList.add("parley-ready");
window.parleyIsWired();
