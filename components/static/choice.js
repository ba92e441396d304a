// Who answers in this conversation, and in which form: the sheet behind the status line, and what a
// reply in JSON offers.

import { $, $$, escape, handBack, icon, on } from "./dom.js";
import * as conversations from "./conversations.js";
import { counter } from "./elapsed.js";
import * as line from "./line.js";
import * as ownKey from "./own_key.js";
import { order } from "./orders.js";
import { t } from "./words.js";

const SETTLE_MS = 300; // arrow keys pass over many models: the one they rest on is meant
const LONGEST_SCHEMA = 100_000;
const FEW = 12; // models that a small screen may show without folding them

let complain = () => {};
let dialog = null;
let here = ""; // the conversation that is decided for
let opener = ""; // the pane from which it was opened, and to which the keyboard returns
let drawn = false; // whether the sheet has come from the server
let picked = null; // a model the reader has chosen, until the server has taken it down
let resting = 0;
let forAll = null; // what the reader wants of new chats, once said
let whole = false; // whether the reader wants a long list to its end
let goal = ""; // the section it was opened for

export function begin(onTrouble) {
  complain = onTrouble;
  dialog = document.createElement("dialog");
  dialog.className = "parley-choice";
  dialog.setAttribute("aria-labelledby", "parley-choice-title");
  document.body.append(dialog);
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", closed);
  dialog.addEventListener("change", changed);
  dialog.addEventListener("input", typed);
  dialog.addEventListener("focusin", reached);
  takeDrops();
  ownKey.begin(dialog, { connected: answerHere, trouble: onTrouble });
  on("who-answers", open);
  on("own-key", (button) => { open(button); goal = "key"; });
  on("close-choice", () => dialog.close());
  on("refresh-offers", refresh);
  on("all-offers", unfold);
  on("schema-file", () => $("input[type=file]", dialog).click());
  on("keep-schema", () => decide({ schema: schema().value.trim() }));
  on("use-offline", useOffline);
  on("repair", repair);
  on("download-json", download);
}

const schema = () => $("#parley-schema", dialog);
const always = () => $("[data-switch=always]", dialog);
const named = ({ dataset }) => ({ provider: dataset.provider, model: dataset.model });
const radios = () => $$("input[type=radio]", dialog);
const like = ({ provider, model }) =>
  radios().find(({ dataset }) => dataset.provider === provider && dataset.model === model);

/** On small screens a long list ends early until the reader wants it whole, or goes further down. */
function fold() {
  const sifted = Boolean($(".choice-filter", dialog)?.value.trim());
  $(".choice-list", dialog).classList.toggle("folded", !whole && !sifted && radios().length > FEW);
}

function unfold(button) {
  whole = true;
  fold();
  if (button) (radios().find((radio) => radio.checked) ?? radios()[0]).focus({ preventScroll: true }); // the button is gone
}

function reached({ target }) {
  if (target.type !== "radio" || whole) return;
  const end = $(".choice-list", dialog).getBoundingClientRect().bottom;
  if (target.getBoundingClientRect().bottom < end) return;
  unfold();
  target.scrollIntoView({ block: "nearest" });
}

function open(button) {
  if (dialog.open) return;
  if (drawn) closed(); // closed just now, which was not told yet
  opener = button.closest("[data-pane]")?.dataset.pane ?? "";
  here = conversations.id();
  [picked, forAll, whole, goal] = [null, null, false, button.dataset.to ?? ""];
  ownKey.forget();
  dialog.innerHTML = `<div class="choice-head"><h2 id="parley-choice-title">${t("Who answers here")}</h2></div>
    <div class="choice-body"><div class="choice-wait"><i></i><i></i><i></i></div></div>`;
  dialog.showModal();
  line.choosing(true);
}

export const leave = () => dialog?.close();

function closed() {
  if (dialog.open) return;
  settle();
  if (isDirty()) decide({ schema: schema().value.trim() });
  line.choosing(false);
  dialog.innerHTML = "";
  drawn = false;
  handBack($(`[data-pane="${opener}"] [data-do="who-answers"]`) ?? $("#parley-input textarea"));
}

/** The sheet as it is now. What the reader is in the middle of stays as it was. */
export function show(html) {
  if (!dialog.open) return;
  const first = !drawn;
  const kept = first ? {} : {
    focus: document.activeElement?.id, radio: document.activeElement?.matches?.("[type=radio]"),
    at: $(".choice-list", dialog).scrollTop, top: $(".choice-body", dialog).scrollTop,
    filter: $(".choice-filter", dialog)?.value, schema: isDirty() ? schema().value : null,
    told: $(".choice-told", dialog).innerHTML,
  };
  const chooser = $("input[type=file]", dialog);
  const putBack = ownKey.hold();
  dialog.innerHTML = html;
  putBack();
  // The same element: the reader may be looking for a file with it just now.
  if (chooser) $("input[type=file]", dialog)?.replaceWith(chooser);
  drawn = true;
  for (const box of $$("[data-icon]", dialog)) box.innerHTML = icon(box.dataset.icon);
  const chosen = picked && like(picked);
  if (chosen) chosen.checked = true;
  if (forAll !== null) always().checked = forAll;
  fold();
  if (!first) restore(kept);
  weigh();
  const current = radios().find((radio) => radio.checked);
  if (first && goal === "key") ownKey.focus();
  else if (first && goal) bring(goal);
  else if (first || kept.radio) current?.focus({ preventScroll: !first });
  else if (kept.focus?.startsWith("parley-key") && !dialog.contains(document.activeElement)) ownKey.focus();
}

function bring(section) {
  const box = $(`.choice-${section}`, dialog);
  box?.scrollIntoView({ block: "center" });
  $("select, input, button", box ?? dialog)?.focus({ preventScroll: true });
}

function restore(kept) {
  const filter = $(".choice-filter", dialog);
  if (filter && kept.filter) sift(filter.value = kept.filter);
  if (kept.schema !== null) schema().value = kept.schema;
  if (kept.told) tell(kept.told);
  $(".choice-list", dialog).scrollTop = kept.at;
  $(".choice-body", dialog).scrollTop = kept.top;
  if (kept.focus) dialog.querySelector(`#${CSS.escape(kept.focus)}`)?.focus({ preventScroll: true });
}

function changed({ target }) {
  if (target.type === "radio") {
    picked = named(target);
    clearTimeout(resting);
    resting = setTimeout(settle, SETTLE_MS);
  } else if (target.dataset.switch === "json") decide({ json: target.checked });
  else if (target.dataset.switch === "always") {
    clearTimeout(resting);
    resting = 0;
    forAll = target.checked;
    decide({ ...named(radios().find((radio) => radio.checked)), always: target.checked });
  } else if (target.type === "file") {
    read(target.files[0]);
    target.value = "";
  }
}

function typed({ target }) {
  if (target.matches(".choice-filter")) sift(target.value);
  if (target.id === "parley-schema") weigh();
}

/** The model on which the choice rests is the one that is meant. */
function settle() {
  if (!resting) return;
  clearTimeout(resting);
  resting = 0;
  decide({ ...picked, always: always().checked || null });
}

async function decide(what) {
  if (dialog.open) tell("");
  const told = await order({ do: "choose", conversation: here, ...what });
  if (picked && what.model === picked.model && what.provider === picked.provider) picked = null;
  if (told.ok) return;
  if (!dialog.open) return complain(told.message, told.advice);
  line.choosing(true); // it is drawn again as it still is
  tell(worded(told));
}

/** Who brings a key in the middle of a talk wants to be answered with it there. */
function answerHere() {
  const chosen = radios().find((radio) => radio.checked);
  if (!chosen?.dataset.provider) return;
  picked = { provider: "", model: "" };
  forAll = null;
  decide({ ...picked, always: always().checked ? false : null });
}

async function refresh(button) {
  const words = $("span", button);
  tell("");
  button.disabled = true;
  words.innerHTML = `${t("Asking…")}${counter()}`;
  const told = await order({ do: "refresh" });
  button.disabled = false;
  words.textContent = t("Refresh the list");
  if (!dialog.open) return;
  line.choosing(true); // some may have answered where another did not
  if (!told.ok) tell(worded(told));
}

const worded = ({ message, advice }) => `<b>${escape(message)}</b> ${escape(advice)}`;

function tell(html) {
  const box = $(".choice-told", dialog);
  if (!box) return;
  box.hidden = !html;
  box.innerHTML = html;
}

function sift(words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const group of $$(".choice-group", dialog)) {
    const label = group.getAttribute("aria-label");
    const rows = $$(".offer", group);
    for (const row of rows) {
      const text = `${label} ${row.textContent} ${$("[data-model]", row)?.dataset.model ?? ""}`.toLowerCase();
      row.hidden = !wanted.every((word) => text.includes(word));
    }
    group.hidden = rows.every((row) => row.hidden);
    shown += Number(!group.hidden);
  }
  $(".choice-none", dialog).hidden = shown > 0;
  fold();
}

const isDirty = () => Boolean(schema()) && schema().value.trim() !== schema().defaultValue.trim();

/** Says whether the schema that stands there is the one that is kept. */
function weigh() {
  const dirty = isDirty();
  $("[data-do=keep-schema]", dialog).disabled = !dirty;
  $(".schema-acts output", dialog).textContent = !dirty && schema().value.trim() ? t("Kept") : "";
}

async function read(file) {
  if (!file) return;
  if (file.size > LONGEST_SCHEMA) return tell(`<b>${t("This file is too large for a schema.")}</b> ${t("100 KB are the most.")}`);
  const words = await file.text();
  if (!schema()) return; // the sheet was closed meanwhile
  schema().value = words;
  weigh();
  decide({ json: true, schema: schema().value.trim() });
}

/** A file that is dropped here is a schema, and no attachment. */
function takeDrops() {
  for (const name of ["dragenter", "dragover", "dragleave", "drop", "paste"]) {
    dialog.addEventListener(name, (event) => {
      event.stopPropagation();
      if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
      if (name === "drop" && event.dataTransfer.files.length && schema()) {
        event.preventDefault();
        read(event.dataTransfer.files[0]);
      }
    });
  }
}

async function useOffline() {
  const told = await order({ do: "choose", conversation: conversations.id(), provider: "offline", model: "" });
  if (!told.ok) complain(told.message, told.advice);
}

async function repair(button) {
  const reply = button.closest("article").dataset.id;
  button.disabled = true;
  const told = await order({ do: "repair", conversation: conversations.id(), reply });
  button.disabled = false;
  if (!told.ok) complain(told.message, told.advice);
}

function download(button) {
  const code = $$(".json-value code", button.closest("article")).at(-1);
  const title = $("#parley-title").title.replace(/[\\/:*?"<>|\p{Cc}]+/gu, " ").trim().slice(0, 60).trim();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([code.textContent, "\n"], { type: "application/json" }));
  link.download = `${title || t("reply")}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
