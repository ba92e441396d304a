// What lies over the page for a moment: a question, an enlarged picture, a memory's card.

import { $, escape } from "./dom.js";

/** Asks before something that cannot be undone; resolves to true if the reader wants it. */
export function confirmed(title, words, verb) {
  const dialog = make("ask", `<h2>${escape(title)}</h2><p>${escape(words)}</p><form method="dialog">
    <button class="plain" value="">Cancel</button><button class="danger" value="yes">${escape(verb)}</button></form>`);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"));
    dialog.showModal();
    $("[value='']", dialog).focus();
  });
}

export function enlarge(image) {
  const dialog = make("lightbox", "");
  const large = new Image();
  large.src = image.src;
  large.alt = image.alt;
  dialog.append(large);
  dialog.addEventListener("click", () => dialog.close());
  dialog.showModal();
}

function make(name, html) {
  const dialog = document.createElement("dialog");
  dialog.className = `parley-${name}`;
  dialog.innerHTML = html;
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  return dialog;
}

/** Opens a memory's card next to its chip, inside the window. */
export function openCard(chip) {
  const card = chip.nextElementSibling;
  card.showPopover();
  const at = chip.getBoundingClientRect();
  const { width, height } = card.getBoundingClientRect();
  const left = Math.max(12, Math.min(at.left, innerWidth - width - 12));
  const above = at.top - height - 8;
  card.style.left = `${left}px`;
  card.style.top = `${above > 12 ? above : Math.min(at.bottom + 8, innerHeight - height - 12)}px`;
}
