// What the keyboard does, and the sheet that says so.

import { $, icon, on } from "./dom.js";
import * as chat from "./chat.js";
import * as conversations from "./conversations.js";
import { make } from "./layers.js";
import { sendKey } from "./settings.js";
import { t } from "./words.js";

const MAC = /Mac|iPhone|iPad/.test(navigator.platform);
const CTRL = MAC ? "⌘" : "Ctrl";
const writing = () => $("#parley-input textarea");

/** Keys, what they do, and what is done; what has no act is done elsewhere, and said here. */
const SHORTCUTS = () => [
  [t("While you write"), [
    [sendKey() === "enter" ? ["Enter"] : [CTRL, "Enter"], t("Send")],
    [["Shift", "Enter"], t("New line")],
    [["/"], t("Commands, at the beginning")],
    [[CTRL, "V"], t("Paste text, pictures and files")],
  ]],
  [t("Anywhere"), [
    [[CTRL, "Shift", "O"], t("New chat"), (e) => ctrl(e) && e.shiftKey && e.code === "KeyO", () => $("#parley-new").click()],
    [[CTRL, "K"], t("Search everything that was said"), (e) => ctrl(e) && !e.shiftKey && e.code === "KeyK", search],
    [[CTRL, ","], t("Settings"), (e) => ctrl(e) && e.key === ",", () => $("[data-do=settings]").click()],
    [["Shift", "Esc"], t("Go to the message box"), (e) => e.shiftKey && e.key === "Escape", () => writing().focus()],
    [["Alt", "↑"], t("The message before"), (e) => e.altKey && e.key === "ArrowUp", () => chat.step(-1)],
    [["Alt", "↓"], t("The message after"), (e) => e.altKey && e.key === "ArrowDown", () => chat.step(1)],
    [["Esc"], t("Stop the reply, or close what is open")],
    [["?"], t("This list"), (e) => e.key === "?" && !isWriting(e.target), show],
  ]],
];

function search() {
  if (matchMedia("(max-width: 760px)").matches) conversations.drawer(true);
  $(".find input").focus();
}

const ctrl = (event) => (MAC ? event.metaKey : event.ctrlKey);
const isWriting = (element) => Boolean(element.closest?.("input:not([type=radio], [type=checkbox], [type=range]), textarea, select, [contenteditable]"));

export function begin() {
  on("shortcuts", show);
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    for (const [, rows] of SHORTCUTS()) {
      for (const [, , asked, act] of rows) {
        if (!asked?.(event) || ($("dialog[open]") && act !== show)) continue;
        event.preventDefault();
        return act();
      }
    }
  });
}

function show() {
  if ($("dialog.parley-shortcuts")) return;
  const keys = (names) => names.map((name) => `<kbd>${name}</kbd>`).join("");
  const rows = (list) => list.map(([names, does]) => `<div><dt>${does}</dt><dd>${keys(names)}</dd></div>`).join("");
  const html = SHORTCUTS().map(([title, list]) => `<h3>${title}</h3><dl>${rows(list)}</dl>`).join("");
  const dialog = make("shortcuts", `<div class="choice-head"><h2 id="parley-shortcuts-title">${t("Keyboard shortcuts")}</h2>
    <button type="button" class="quiet" aria-label="${t("Close")}">${icon("close")}</button></div>
    <div class="shortcut-list" tabindex="0" role="group" aria-labelledby="parley-shortcuts-title">${html}</div>`);
  dialog.setAttribute("aria-labelledby", "parley-shortcuts-title");
  dialog.addEventListener("click", (event) => { if (event.target === dialog || event.target.closest("button")) dialog.close(); });
  dialog.showModal();
}
