// The panel of all tools: what each may do, and how the servers are that they come from.

import { $, $$, handBack, on } from "./dom.js";
import * as line from "./line.js";
import { renew } from "./memories.js";
import { order } from "./orders.js";
import { t } from "./words.js";

const MANY = 12; // tools, beyond which they can be searched

const wanted = new Map(); // the last word on a tool, while it is on its way
let dialog = null;

export function begin() {
  dialog = document.createElement("dialog");
  dialog.className = "parley-toolbox";
  dialog.setAttribute("aria-labelledby", "parley-tools-title");
  document.body.append(dialog);
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", closed);
  dialog.addEventListener("change", ({ target }) => {
    if (target.type === "radio") permit(target.closest("[data-tool]").dataset.tool, target.value);
  });
  dialog.addEventListener("input", ({ target }) => {
    if (target.type !== "search") return;
    const count = sift();
    announce(`${count === 1 ? t("1 tool") : t("{n} tools", { n: count })}.`);
  });
  on("tools", open);
  on("close-tools", leave);
  on("restart-server", restart);
  on("approve-server", approve);
  on("to-server", toServer);
}

export const leave = () => dialog?.open && dialog.close();

function open() {
  if (dialog.open) return;
  dialog.replaceChildren($("#parley-tools-shell").content.cloneNode(true));
  dialog.showModal();
  $("h2", dialog).focus();
  line.tools(true);
}

function closed() {
  if (dialog.open) return; // opened again before this was told
  line.tools(false);
  dialog.replaceChildren();
  handBack($("[data-do=tools]") ?? $("#parley-input textarea"));
}

/** What came from the server, put in place piece by piece. */
export function show(html) {
  if (!dialog.open) return;
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  $(".choice-wait", dialog)?.remove();
  const held = document.activeElement.id;
  const before = states();
  const read = $$("details.changes[open]", dialog);
  renew($("[data-part=list]", dialog), fresh.content.firstElementChild);
  for (const [tool, permission] of wanted) check(tool, (radio) => radio.value === permission);
  // What was unfolded stays so, but only what has been read can be approved.
  for (const { id, dataset } of read) {
    const now = document.getElementById(id);
    if (now && now.dataset.seen === dataset.seen) now.open = true;
    else if (now) tell(t("It has changed again. Look at it once more."));
  }
  sift();
  for (const [name, state] of states()) if (before.has(name) && before.get(name) !== state) announce(`${name}: ${state}.`);
  if (!dialog.contains(document.activeElement)) (document.getElementById(held) ?? $("h2", dialog)).focus();
}

/** How each server is, in words. */
const states = () => new Map($$(".tool-source:has(.server)", dialog).map((box) =>
  [$("h3", box).firstChild.textContent.trim(), $(".server-state b", box).textContent]));

/** Shows the tools that hold every word that is looked for; how many these are. */
function sift() {
  const rows = $$(".tool-row", dialog);
  const box = $(".tool-search", dialog);
  box.hidden = rows.length <= MANY;
  const sought = box.hidden ? "" : $("input", box).value.trim();
  const words = sought.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of rows) {
    const told = $(".tool-about", row).textContent.toLowerCase();
    row.hidden = !words.every((word) => told.includes(word));
  }
  for (const section of $$(".tool-source", dialog)) section.hidden = words.length > 0 && !$(".tool-row:not([hidden])", section);
  const count = rows.filter((row) => !row.hidden).length;
  const none = $(".none", dialog);
  none.hidden = count > 0 || !words.length;
  none.textContent = t("No tool is called “{sought}”, or does that.", { sought });
  return count;
}

function check(tool, which) {
  const row = $(`[data-tool="${CSS.escape(tool)}"]`, dialog);
  for (const radio of row ? $$("input", row) : []) radio.checked = which(radio);
}

/** One at a time, so that the last word is the last that arrives. */
async function permit(tool, permission) {
  const busy = wanted.has(tool);
  wanted.set(tool, permission);
  if (busy) return;
  let sent, told;
  do {
    sent = wanted.get(tool);
    told = await order({ do: "permit", tool, permission: sent });
  } while (wanted.get(tool) !== sent);
  wanted.delete(tool);
  tell(told.ok ? "" : `${told.message} ${told.advice}`);
  if (!told.ok && dialog.open) check(tool, (radio) => radio.defaultChecked); // as it still is
}

function toServer(button) {
  const section = document.getElementById(button.dataset.server).closest(".tool-source");
  section.scrollIntoView({ block: "start" });
  ($(".server :is(button, summary)", section) ?? $("input:checked", section))?.focus({ preventScroll: true });
}

async function restart(button) {
  if (button.getAttribute("aria-disabled") === "true") return;
  const { server } = button.dataset;
  const told = await order({ do: "restart-server", server });
  tell(told.ok ? "" : `${told.message} ${told.advice}`);
}

async function approve(button) {
  const { server, seen } = button.dataset;
  const id = button.id.replace("approve-", "restart-");
  const told = await order({ do: "approve-server", server, seen });
  tell(told.ok ? "" : `${told.message} ${told.advice}`);
  if (told.ok) document.getElementById(id)?.focus();
}

function tell(words) {
  const box = $(".choice-told", dialog);
  if (!box) return;
  box.hidden = !words;
  box.textContent = words;
}

function announce(words) {
  const region = $("[role=status]", dialog);
  if (region) region.textContent = words;
}
