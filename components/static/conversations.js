// Which conversation is open, and the list of all.

import { $, $$, localise, on } from "./dom.js";
import { order } from "./orders.js";
import * as line from "./line.js";
import { beginMenus } from "./conversation_menu.js";
import { beginSearch } from "./conversation_search.js";
import * as temporary from "./temporary.js";
import { t } from "./words.js";

const ID = /^[0-9a-f]{32}$/;
const NARROW = matchMedia("(max-width: 760px)");
const PAGE = 60;
const UNFOLDED = "parley.folders";

let current = "";
let isNew = true;
let held = null; // a list that came while a title was being edited
let kept = ""; // the conversation that the server has kept, as the list last said
let rows = PAGE;
let unfolded = [];
let leaving = () => {};
let arriving = () => {};

export const id = () => current;
const idOf = (link) => new URL(link.href).searchParams.get("c") ?? "";
export const isFresh = () => isNew;

/** A new random id of 128 bits. */
export const newId = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");

export function begin(onLeave, onArrive) {
  [leaving, arriving] = [onLeave, onArrive];
  on("open", (link) => { drawer(false); open(idOf(link), true); });
  on("more-conversations", () => { rows += PAGE; ask(); });
  on("unfold-folder", unfold);
  on("drawer", () => drawer(document.body.dataset.drawer !== "open"));
  $("#parley-new").addEventListener("click", () => { drawer(false); start(true); });
  on("temporary", () => { drawer(false); open(temporary.newId(newId()), true); });
  addEventListener("popstate", () => fromAddress());
  $("#parley-conversations").addEventListener("keydown", onArrow);
  NARROW.addEventListener("change", () => drawer(false));
  drawer(false);
  document.addEventListener("click", (event) => {
    if (event.target.id === "parley-shell" || document.body.dataset.drawer === "open" && event.target.closest("#parley-main") && !event.target.closest("[data-do=drawer]")) drawer(false);
  });
  try { unfolded = JSON.parse(sessionStorage.getItem(UNFOLDED)) ?? []; } catch { /* all are folded */ }
  beginMenus();
  beginSearch();
  fromAddress();
  if (unfolded.length) ask();
}

function fromAddress() {
  const asked = new URLSearchParams(location.search).get("c") ?? "";
  if (ID.test(asked)) open(asked, false);
  else start(false);
}

export function open(conversation, push) {
  if (!ID.test(conversation) || conversation === current) return;
  enter(conversation, false);
  if (push) history.pushState(null, "", address(conversation));
}

/** A new chat: it has an id at once, and is in the address once something was said. */
export function start(push) {
  if (isNew && current) return arriving();
  enter(newId(), true);
  if (push) history.pushState(null, "", address(""));
}

function enter(conversation, fresh) {
  leaving();
  [current, isNew] = [conversation, fresh];
  temporary.show(current);
  title("");
  mark();
  line.follow(current);
  arriving();
}

/** The conversation that is open is gone: a new chat takes its place; a temporary one begins anew. */
export function leaveGone(conversation) {
  if (conversation !== current || isNew || temporary.isTemporary(conversation)) return;
  start(false);
  history.replaceState(null, "", address(""));
}

function address(conversation) {
  const url = new URL(location.href);
  for (const name of ["c", "m"]) url.searchParams.delete(name);
  if (conversation) url.searchParams.set("c", conversation);
  return url;
}

/** Something was said here: a reload comes back to it. */
export function settle() {
  isNew = false;
  history.replaceState(null, "", address(current));
}

export function title(given) {
  // The browser's history has titles: it learns nothing of what is said here.
  const words = temporary.isTemporary(current) ? temporary.title() : given;
  $("#parley-title").textContent = words || t("New chat");
  $("#parley-title").title = words;
  document.title = words ? `${words} · Parley` : "Parley";
}

/** Opens or closes the list where it lies over the page; on a wide screen it is always there. */
export function drawer(isOpen) {
  const was = document.body.dataset.drawer === "open";
  document.body.dataset.drawer = isOpen ? "open" : "";
  $("#parley-main").inert = isOpen;
  $("#parley-side").inert = NARROW.matches && !isOpen;
  const button = $(".drawer-open");
  button.setAttribute("aria-expanded", String(isOpen));
  if (isOpen) $(".drawer-close").focus();
  else if (was) button.focus();
}

/** Up and down, first and last, from title to title, and from the search to what was found. */
function onArrow(event) {
  if (event.target.closest("li > input")) return;
  const links = $$("li a, .folder-head [data-do=unfold-folder]", $("#parley-conversations"))
    .filter((link) => link.getClientRects().length);
  const at = links.indexOf(document.activeElement);
  const inSearch = event.target.type === "search";
  if (at < 0 && !inSearch) return;
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, ...(inSearch ? {} : { Home: 0, End: links.length - 1 }) }[event.key];
  if (to === -1) return void (event.preventDefault(), $("input[type=search]", $("#parley-conversations")).focus());
  if (!links[to]) return;
  event.preventDefault();
  links[to].focus();
}

function ask() {
  line.listing({ rows, unfolded });
}

function unfold(button) {
  const { folder } = button.closest(".folder").dataset;
  const open = button.getAttribute("aria-expanded") !== "true";
  unfolded = open ? [...unfolded, folder].slice(-20) : unfolded.filter((name) => name !== folder);
  try { sessionStorage.setItem(UNFOLDED, JSON.stringify(unfolded)); } catch { /* they are folded after a reload */ }
  ask();
}

/** A folder that something was put into is unfolded, so that it is seen there. */
export function showFolder(folder) {
  if (folder && !unfolded.includes(folder)) unfolded = [...unfolded, folder].slice(-20);
  ask();
}

/** The list as the server sees it. A conversation that is gone is left. */
export function show(html) {
  const box = inner();
  if ($("input", box)) {
    held = html;
    return;
  }
  const focused = document.activeElement?.closest?.("[data-pane=conversations] [data-do]");
  const scrolled = box.scrollTop;
  box.innerHTML = html;
  box.scrollTop = scrolled;
  if (focused) (renewed(focused) ?? $("#parley-new")).focus();
  localise(box);
  mark();
  const here = $("[data-for]", box)?.dataset;
  if (!here || here.for !== current) return;
  if (here.known === "yes") {
    kept = current;
    title(here.title);
  } else if (kept === current) leaveGone(current);
}

const inner = () => $("[data-pane=conversations]");

/** A button of the list as it stands there now, for the list may have been drawn anew. */
export function renewed(button) {
  if (button.isConnected) return button;
  const place = button.closest("[data-conversation]")?.dataset.conversation;
  const folder = button.closest(".folder")?.dataset.folder;
  const within = place ? `[data-conversation="${place}"]` : folder ? `.folder[data-folder="${CSS.escape(folder)}"]` : "";
  return $(`${within} [data-do="${button.dataset.do}"]`, inner());
}

function mark() {
  for (const link of $$("#parley-conversations li > a")) {
    if (idOf(link) === current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/** Lets the title of an entry be written anew, where it stands. */
export function rename(entry) {
  const link = $("a", entry);
  const input = Object.assign(document.createElement("input"), { value: link.textContent, maxLength: 200 });
  input.setAttribute("aria-label", t("New title"));
  link.replaceWith(input);
  input.focus();
  input.select();
  let done = false;
  const close = async (keep, byKey) => {
    if (done) return;
    done = true;
    const words = input.value.trim();
    input.replaceWith(link);
    if (byKey) link.focus();
    if (held !== null) show(held);
    held = null;
    if (!keep || !words || words === link.textContent) return;
    link.textContent = words;
    await order({ do: "rename", conversation: entry.dataset.conversation, title: words });
  };
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") close(true, true);
    if (event.key === "Escape") close(false, true);
    event.stopPropagation();
  });
  input.addEventListener("blur", () => close(true));
}
