// What lies over the page for a moment: a question, a memory's card, whatever others make of it.

import { $, escape } from "./dom.js";
import { t } from "./words.js";

/**
 * Asks before something that cannot be undone; resolves to true if the reader wants it. Where it
 * weighs much, the reader has to type the word `typed`.
 */
export function confirmed(title, words, verb, typed = "") {
  const box = typed && `<label>${t("Type {word} to go on", { word: `<b>${escape(typed)}</b>` })} <input autocomplete="off" autocapitalize="off" spellcheck="false"></label>`;
  const dialog = make("ask", `<h2>${escape(title)}</h2><p>${escape(words)}</p><form method="dialog">${box}
    <button type="button" class="plain">${t("Cancel")}</button><button class="danger" value="yes">${escape(verb)}</button></form>`);
  $(".plain", dialog).addEventListener("click", () => dialog.close(""));
  const [input, go] = [$("input", dialog), $(".danger", dialog)];
  go.disabled = Boolean(typed);
  input?.addEventListener("input", () => { go.disabled = input.value.trim().toLowerCase() !== typed; });
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"));
    dialog.showModal();
    (input ?? $(".plain", dialog)).focus();
  });
}

export function make(name, html) {
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
  if (card.matches(":popover-open")) return card.hidePopover();
  card.showPopover();
  // Whoever came by keyboard or listens goes on inside; Escape leads back to the chip.
  if (chip.matches(":focus-visible")) card.focus();
  const at = chip.getBoundingClientRect();
  const { width, height } = card.getBoundingClientRect();
  const left = Math.max(12, Math.min(at.left, innerWidth - width - 12));
  const above = at.top - height - 8;
  card.style.left = `${left}px`;
  card.style.top = `${above > 12 ? above : Math.min(at.bottom + 8, innerHeight - height - 12)}px`;
}
