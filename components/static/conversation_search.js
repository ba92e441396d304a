// Search through everything that was said; what is found takes the place of the list.

import { $, $$, localise, on } from "./dom.js";
import * as chat from "./chat.js";
import * as conversations from "./conversations.js";
import * as line from "./line.js";
import { t } from "./words.js";

const PAUSE_MS = 160; // a search begins when the typing rests
const PATIENCE_MS = 400; // one that takes longer shows that it is on its way
const WAITS = '<div class="skeletons waits" aria-hidden="true"><i></i><i></i><i></i></div>';

let typing = 0;
let asking = null; // what was asked for last, and can be given up

export function beginSearch() {
  const [form, input] = [$("#parley-conversations .find"), field()];
  form.addEventListener("submit", (event) => { event.preventDefault(); seek(); });
  input.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(seek, input.value.trim() ? PAUSE_MS : 0);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !input.value) return;
    event.preventDefault();
    event.stopPropagation();
    clear();
  });
  on("found", (link) => {
    const asked = new URL(link.href).searchParams;
    const [conversation, message] = [asked.get("c") ?? "", asked.get("m") ?? ""];
    const words = $$("mark", link).map((mark) => mark.textContent);
    conversations.drawer(false);
    const here = conversation === conversations.id();
    chat.reveal(message, () => line.earlier(conversation, chat.first()), here);
    if (!here) conversations.open(conversation, true);
    light(message, words);
  });
}

const field = () => $("#parley-conversations input[type=search]");

export function clear() {
  field().value = "";
  seek();
}

async function seek() {
  clearTimeout(typing);
  asking?.abort();
  const words = field().value.trim();
  const box = $("#parley-found");
  if (!words) return place("");
  const mine = (asking = new AbortController());
  const late = setTimeout(() => place(WAITS), PATIENCE_MS);
  mine.signal.addEventListener("abort", () => clearTimeout(late));
  try {
    const answer = await fetch("/parley/search", { method: "POST", body: words, signal: mine.signal, headers: { "content-type": "text/plain" } });
    const told = await answer.json();
    clearTimeout(late);
    if (mine !== asking) return;
    place(answer.ok ? told.html : `<p class="none">${answer.status === 429 ? t("Wait a moment, then go on.") : t("The search could not be done.")}</p>`);
    localise(box);
  } catch (error) {
    clearTimeout(late);
    if (error.name !== "AbortError") place(`<p class="none">${t("Parley cannot be reached.")}</p>`);
  }
}

function place(html) {
  const box = $("#parley-found");
  box.innerHTML = html;
  box.hidden = !html;
  $("[data-pane=conversations]").hidden = Boolean(html);
  if (!html) CSS.highlights?.delete("parley-found");
}

/** Marks the words in the message once it is there. */
function light(message, words) {
  if (!CSS.highlights || !words.length) return;
  const wanted = words.map((word) => word.toLowerCase());
  let tries = 60;
  const look = () => {
    const found = $(`#parley-messages > [data-id="${CSS.escape(message)}"]`);
    if (!found) return void (--tries && setTimeout(look, 50));
    const ranges = [];
    const walk = document.createTreeWalker(found, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node && ranges.length < 500; node = walk.nextNode()) {
      const text = node.data.toLowerCase();
      for (const word of wanted) {
        for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
          const range = new Range();
          range.setStart(node, at);
          range.setEnd(node, at + word.length);
          ranges.push(range);
        }
      }
    }
    CSS.highlights.set("parley-found", new Highlight(...ranges));
  };
  look();
}
