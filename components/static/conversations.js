// Which conversation is open, and the list of all.

import { $, $$, on, store } from "./dom.js";
import { order } from "./orders.js";
import { follow } from "./line.js";
import { confirmed } from "./layers.js";

const ID = /^[0-9a-f]{32}$/;
const NARROW = matchMedia("(max-width: 760px)");

let current = "";
let isNew = true;
let listed = new Set();
let held = null; // a list that came while a title was being edited
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
  on("rename", (button) => rename(button.closest("li")));
  on("delete", (button) => remove(button.closest("li")));
  on("drawer", () => drawer(document.body.dataset.drawer !== "open"));
  $("#parley-new").addEventListener("click", () => { drawer(false); start(true); });
  addEventListener("popstate", () => fromAddress());
  inner().addEventListener("keydown", onArrow);
  NARROW.addEventListener("change", () => drawer(false));
  drawer(false);
  document.addEventListener("click", (event) => {
    if (event.target.id === "parley-shell" || document.body.dataset.drawer === "open" && event.target.closest("#parley-main") && !event.target.closest("[data-do=drawer]")) drawer(false);
  });
  fromAddress();
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
  title("");
  mark();
  follow(current);
  arriving();
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

export function title(words) {
  $("#parley-title").textContent = words || "New chat";
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

/** Up and down, first and last, from title to title. */
function onArrow(event) {
  const links = $$("li > a", inner());
  const at = links.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
  if (at < 0 || !links[to]) return;
  event.preventDefault();
  links[to].focus();
}

/** The list as the server sees it. A conversation that is gone is left. */
export function show(html) {
  const box = inner();
  if ($("input", box)) {
    held = html;
    return;
  }
  const before = listed;
  const focused = document.activeElement?.closest?.("#parley-conversations li [data-do]");
  const [entry, act] = [focused?.closest("li").dataset.conversation, focused?.dataset.do];
  box.innerHTML = html;
  listed = new Set($$("li", box).map((li) => li.dataset.conversation));
  if (focused) ($(`[data-conversation="${entry}"] [data-do="${act}"]`, box) ?? $("#parley-new")).focus();
  mark();
  if (before.has(current) && !listed.has(current)) {
    start(false);
    history.replaceState(null, "", address(""));
  }
}

const inner = () => $("[data-pane=conversations]");

function mark() {
  for (const link of $$("#parley-conversations li > a")) {
    const here = idOf(link) === current;
    if (here) {
      link.setAttribute("aria-current", "page");
      title(link.textContent);
    } else link.removeAttribute("aria-current");
  }
}

function rename(entry) {
  const link = $("a", entry);
  const input = Object.assign(document.createElement("input"), { value: link.textContent, maxLength: 200 });
  input.setAttribute("aria-label", "New title");
  link.replaceWith(input);
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

async function remove(entry) {
  const conversation = entry.dataset.conversation;
  const name = $("a", entry).textContent;
  const sure = await confirmed("Delete this conversation?",
    `“${name}” goes, with its messages, pictures, recordings and memories. This cannot be undone.`, "Delete");
  if (!sure) return;
  await order({ do: "delete", conversation });
  store.set(`parley.draft.${conversation}`, null);
}
