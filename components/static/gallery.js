// Pictures of the conversation: one after the other, enlarged, or all of them side by side.

import { $, $$, escape, icon, on } from "./dom.js";
import * as chat from "./chat.js";
import * as conversations from "./conversations.js";
import * as layers from "./layers.js";
import * as line from "./line.js";
import { t } from "./words.js";

const MOST_TIMES = 8; // larger than a picture's own size
const STEP = 1.5;

let known = ""; // the conversation that is known to have pictures before its newest messages

export function begin() {
  on("enlarge", (thumb) => {
    const thumbs = $$(".thumb", $("#parley-messages"));
    show(thumbs.map(told), Math.max(0, thumbs.indexOf(thumb)));
  });
  on("gallery", open);
  new MutationObserver(refresh).observe($("#parley-messages"), { childList: true, subtree: true });
  new MutationObserver(refresh).observe($("#parley-earlier"), { attributeFilter: ["hidden"] });
  refresh();
}

const told = (thumb) => ({ src: $("img", thumb).src, alt: $("img", thumb).alt, message: thumb.closest("article")?.dataset.id });

/** The button is there where there is a picture; of messages that are not here the house knows. */
async function refresh() {
  const button = $("#parley-pictures");
  const here = $("#parley-messages .thumb") !== null;
  button.hidden = !here && known !== conversations.id();
  if (here || $("#parley-earlier").hidden || asked === conversations.id()) return;
  asked = conversations.id();
  const mine = asked;
  if ((await all()).length && mine === conversations.id()) [known, button.hidden] = [mine, false];
}
let asked = "";

async function all() {
  try {
    const answer = await fetch(`/parley/pictures/${conversations.id()}`);
    return answer.ok ? await answer.json() : [];
  } catch {
    return []; // the line is cut, which the page says elsewhere
  }
}

async function open() {
  const pictures = await all();
  if (!pictures.length) return;
  const count = pictures.length === 1 ? t("1 picture") : t("{n} pictures", { n: pictures.length });
  const tiles = pictures.map(({ src, alt, by }, at) => `<li><button type="button" data-at="${at}" aria-label="${t("Open picture {n}: {name}", { n: at + 1, name: escape(alt) })}">
    <img src="${escape(src)}" alt="" loading="lazy" decoding="async"></button><small>${escape(by)}</small></li>`);
  const dialog = layers.make("gallery", `<header><h2>${count}</h2><button type="button" class="quiet" data-act="close" aria-label="${t("Close")}">${icon("close")}</button></header>
    <ul role="list">${tiles.join("")}</ul>`);
  dialog.setAttribute("aria-label", t("Pictures of this conversation"));
  dialog.addEventListener("click", ({ target }) => {
    const tile = target.closest("[data-at]");
    if (tile) show(pictures, Number(tile.dataset.at), dialog);
    else if (target === dialog || target.closest("[data-act=close]")) dialog.close();
  });
  dialog.showModal();
  $("[data-at]", dialog).focus();
}

/** One picture over everything, with its neighbours a key away. `beneath`: a dialog it was opened from. */
function show(pictures, first, beneath) {
  const act = (name, sign, label) => `<button type="button" class="quiet" data-act="${name}" aria-label="${label}" title="${label}">${sign}</button>`;
  const dialog = layers.make("lightbox", `<div class="stage" tabindex="0"><img alt=""></div>
    <footer><p role="status"></p><div>${act("previous", icon("chevron"), t("Picture before (←)"))}${act("next", icon("chevron"), t("Next picture (→)"))}
    ${act("smaller", "−", t("Smaller (−)"))}${act("larger", "+", t("Larger (+)"))}${act("jump", icon("quote"), t("Show it in the conversation"))}${act("close", icon("close"), t("Close (Escape)"))}</div></footer>`);
  const [stage, image, words] = [$(".stage", dialog), $("img", dialog), $("p", dialog)];
  let [at, times] = [first, 0]; // 0 times: as large as there is room

  function turn(to) {
    at = Math.max(0, Math.min(pictures.length - 1, to));
    const { src, alt } = pictures[at];
    [image.src, image.alt] = [src, alt];
    const place = pictures.length > 1 ? t("{n} of {all}", { n: at + 1, all: pictures.length }) : "";
    words.innerHTML = `<b>${place}</b> <span>${escape(alt)}</span>`;
    dialog.setAttribute("aria-label", place ? t("Picture {n} of {all}", { n: at + 1, all: pictures.length }) : t("Picture"));
    $("[data-act=previous]", dialog).disabled = at === 0;
    $("[data-act=next]", dialog).disabled = at === pictures.length - 1;
    for (const name of ["previous", "next"]) $(`[data-act=${name}]`, dialog).hidden = pictures.length < 2;
    zoom(0);
  }

  function zoom(to) {
    const whole = image.naturalWidth ? Math.min(1, stage.clientWidth / image.naturalWidth, stage.clientHeight / image.naturalHeight) : 1;
    times = !to || to <= whole ? 0 : Math.min(MOST_TIMES, to);
    dialog.dataset.zoomed = times ? "yes" : "";
    image.style.width = times ? `${image.naturalWidth * times}px` : "";
    return whole;
  }
  const now = () => times || zoom(0);

  const acts = {
    previous: () => turn(at - 1),
    next: () => turn(at + 1),
    smaller: () => zoom(now() / STEP),
    larger: () => zoom(now() * STEP),
    close: () => dialog.close(),
    jump() {
      dialog.close();
      beneath?.close();
      chat.reveal(pictures[at].message, () => line.earlier(conversations.id(), chat.first()), true);
    },
  };
  const keys = { ArrowLeft: "previous", ArrowRight: "next", "+": "larger", "=": "larger", "-": "smaller" };

  dialog.addEventListener("click", ({ target }) => {
    const named = target.closest("[data-act]")?.dataset.act;
    if (named) return acts[named]();
    if (target === image) return times ? zoom(0) : zoom(Math.max(1, now() * 2));
    if (target === stage || target === dialog) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    const named = keys[event.key];
    const scrolls = times && event.key.startsWith("Arrow");
    if (!named || scrolls || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    acts[named]();
  });
  dialog.showModal();
  turn(first);
  stage.focus();
}
