// All settings in one dialog. What is kept in this browser is decided here, all else by the server.

import { $, $$, handBack, localise, on, store } from "./dom.js";
import * as conversations from "./conversations.js";
import { counter } from "./elapsed.js";
import * as memories from "./memories.js";
import { order } from "./orders.js";
import { choose as speak, locale, t } from "./words.js";

let dialog = null;
let here = ""; // the conversation that "this chat" means
let tab = "general";
let scope = "everywhere"; // for whom instructions hold that are written now
let fetching = 0;
let goal = ""; // where the keyboard is to be, once it is drawn

const TOUCH = matchMedia("(hover: none) and (pointer: coarse)");

/** On a telephone Enter begins a line: there is no Shift at hand. */
export const sendKey = () => store.get("parley.send-key") ?? (TOUCH.matches ? "ctrl" : "enter");

export function begin() {
  dialog = document.createElement("dialog");
  dialog.className = "parley-settings";
  dialog.setAttribute("aria-labelledby", "parley-settings-title");
  document.body.append(dialog);
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog) dialog.close();
    const chosen = target.closest("[role=tab]");
    if (chosen) show(chosen.dataset.tab);
  });
  dialog.addEventListener("close", closed);
  addEventListener("resize", () => { if (dialog.open) show(tab); }); // a phone that is turned shows the same one
  dialog.addEventListener("change", changed);
  dialog.addEventListener("input", typed);
  dialog.addEventListener("submit", save);
  dialog.addEventListener("keydown", onKey);
  for (const name of ["dragenter", "dragover", "drop", "paste"]) dialog.addEventListener(name, (event) => event.stopPropagation());
  on("settings", (button) => open(button.dataset.tab));
  on("close-settings", leave);
  on("use-preset", ({ dataset }) => write({ ...read(), instructions: dataset.text }));
  on("name-preset", namePreset);
  on("keep-preset", keepPreset);
  on("drop-preset", ({ dataset }) => preset(dataset.name, ""));
  on("usual-temperature", () => write({ ...read(), temperature: null }));
  on("check-provider", check);
  on("settings-import", () => $("input[type=file]", dialog).click());
}

export const leave = () => dialog?.open && dialog.close();

/** Opens it at one of its sections; `forChat` at the instructions of this chat alone. */
export function open(name, forChat = false) {
  if (dialog.open) return;
  conversations.drawer(false);
  here = conversations.id();
  tab = name ?? tab;
  scope = forChat ? "here" : "everywhere";
  dialog.innerHTML = `<div class="choice-head"><h2 id="parley-settings-title">${t("Settings")}</h2></div>
    <div class="choice-body"><div class="choice-wait"><i></i><i></i><i></i></div></div>`;
  dialog.showModal();
  goal = forChat ? "#settings-instructions" : `[data-tab="${tab}"]`;
  draw();
}

function closed() {
  if (dialog.open) return;
  dialog.replaceChildren();
  const opener = $("[data-do=settings]");
  handBack(opener?.checkVisibility() ? opener : $("#parley-input textarea"));
}

/** What others changed is shown, unless something is being written. */
export function refresh() {
  if (dialog?.open && !isDirty() && !$(":is(input, textarea, select):focus", dialog)) draw();
}

async function draw() {
  const mine = ++fetching;
  let html = "";
  try {
    const answer = await fetch(`/parley/settings/${here}`, { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    html = await answer.text();
  } catch {
    const why = `${t("No answer came from Parley.")} ${t("Check that it still runs, then try again.")}`;
    html = `<div class="choice-head"><h2 id="parley-settings-title">${t("Settings")}</h2></div>
      <div class="choice-told" role="alert">${why}</div>`;
  }
  if (!dialog.open || mine !== fetching) return;
  const held = dialog.contains(document.activeElement) && handle(document.activeElement);
  const at = $(".settings-body", dialog)?.scrollTop ?? 0;
  dialog.innerHTML = html;
  localise(dialog);
  show(tab);
  pick("theme", window.parleyThemeChoice());
  pick("send-key", sendKey());
  pick("scope", scope);
  fill();
  if ($(".settings-body", dialog)) $(".settings-body", dialog).scrollTop = at;
  if (goal || held) $(goal || held, dialog)?.focus();
  goal = "";
}

/** How an element is found again once it was drawn anew. */
function handle({ id, dataset, name, value }) {
  if (id) return `#${CSS.escape(id)}`;
  if (name) return `[name="${name}"][value="${value}"]`;
  return dataset.do ? `[data-do="${dataset.do}"]` : null;
}

function pick(name, value) {
  for (const radio of $$(`[name="settings-${name}"]`, dialog)) radio.checked = radio.value === value;
}

// ── the sections ────────────────────────────────────────────────────────────────────────────────

function show(name) {
  const tabs = $$("[role=tab]", dialog);
  if (!tabs.length) return;
  tab = tabs.some((one) => one.dataset.tab === name) ? name : "general";
  for (const one of tabs) {
    const chosen = one.dataset.tab === tab;
    one.setAttribute("aria-selected", String(chosen));
    one.tabIndex = chosen ? 0 : -1;
    if (chosen) one.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  for (const panel of $$("[role=tabpanel]", dialog)) panel.hidden = panel.dataset.panel !== tab;
}

function onKey(event) {
  const tabs = $$("[role=tab]", dialog);
  const at = tabs.indexOf(event.target);
  const to = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (at >= 0 && to !== undefined) {
    event.preventDefault();
    const next = tabs[(to + tabs.length) % tabs.length];
    show(next.dataset.tab);
    next.focus();
  }
  if (event.key === "Enter" && event.target.matches(".preset-name input")) {
    event.preventDefault();
    keepPreset();
  }
}

async function changed({ target }) {
  if (target.name === "settings-theme") window.parleyTheme(target.value);
  else if (target.name === "settings-language") speak(target.value);
  else if (target.name === "settings-send-key") store.set("parley.send-key", target.value);
  else if (target.name === "settings-scope") {
    scope = target.value;
    fill();
  } else if (target.dataset.pick) await decide(picked(target.dataset.pick, target.value));
  else if (target.dataset.switch === "settings-json") await decide({ do: "choose", conversation: here, json: target.checked });
  else if (target.dataset.switch === "settings-pause") await decide({ do: "pause-memory", conversation: here, paused: target.checked, everywhere: true });
  else if (target.type === "file") {
    await memories.bringBack(target.files[0]);
    target.value = "";
  } else weigh();
}

/** Who answers is chosen for this chat and for new ones, who does all else for every chat; "" leaves it to Parley. */
function picked(sense, value) {
  const who = value ? JSON.parse(value) : { provider: "", model: "" };
  return sense === "chat" ? { do: "choose", conversation: here, always: Boolean(value), ...who } : { do: "pick", sense, ...who };
}

async function decide(what) {
  const told = await order(what);
  await draw();
  tell(told.ok ? "" : `${told.message} ${told.advice}`);
  return told.ok;
}

function tell(words, tone = "") {
  const box = $(".choice-told", dialog);
  if (!box) return;
  box.hidden = !words;
  box.dataset.tone = tone;
  box.textContent = words;
}

// ── how replies are to be ───────────────────────────────────────────────────────────────────────

const form = () => $("form.style", dialog);
const kept = (whose = scope) => JSON.parse(form().dataset.styles)[whose];
const warmth = () => $(".warmth", dialog);

function read() {
  const usual = !warmth() || "usual" in warmth().dataset;
  return {
    instructions: $("#settings-instructions", dialog).value.trim(),
    temperature: usual ? (warmth() ? null : kept().temperature) : Number($("#settings-temperature", dialog).value),
    longest: Number($("#settings-longest", dialog)?.value ?? kept().longest),
  };
}

function fill() {
  if (form()) write(kept());
}

function write({ instructions, temperature, longest }) {
  const box = $("#settings-instructions", dialog);
  box.value = instructions;
  const usual = scope === "here" && kept("everywhere").instructions;
  box.placeholder = usual ? t("As in all chats: {usual}", { usual }) : t("Who you are, what matters to you, how Parley should answer");
  if (warmth()) {
    warmth().toggleAttribute("data-usual", temperature === null);
    $("#settings-temperature", dialog).value = temperature ?? 1;
    name();
  }
  const length = $("#settings-longest", dialog);
  if (length) length.value = [...length.options].some((option) => option.value === String(longest)) ? longest : 0;
  weigh();
}

function name() {
  const usual = "usual" in warmth().dataset;
  $("output", warmth()).textContent = usual ? t("As usual") : Number($("#settings-temperature", dialog).value).toLocaleString(locale, { minimumFractionDigits: 1 });
}

function typed({ target }) {
  if (target.id === "settings-temperature") {
    warmth().removeAttribute("data-usual");
    name();
  }
  weigh();
}

const isDirty = () => Boolean(form()) && JSON.stringify(read()) !== JSON.stringify(kept());

function weigh() {
  if (!form()) return;
  $("[type=submit]", form()).disabled = !isDirty();
  if (isDirty()) $(".settings-acts output", form()).textContent = "";
}

async function save(event) {
  event.preventDefault();
  const style = read();
  const told = await order({ do: "style", conversation: here, everywhere: scope === "everywhere", ...style });
  if (!told.ok) return tell(`${told.message} ${told.advice}`);
  if (!dialog.open) return;
  tell("");
  await draw();
  $(".settings-acts output", form()).textContent = t("Saved");
  $("[role=status]", dialog).textContent = t("Saved.");
}

function namePreset() {
  const box = $(".preset-name", dialog);
  if (!read().instructions) return tell(t("Write the instructions first, then keep them as a preset."));
  box.hidden = false;
  $("input", box).focus();
}

async function keepPreset() {
  const words = $(".preset-name input", dialog).value.trim();
  if (words) await preset(words, read().instructions);
}

/** What is being written stays as it is. */
async function preset(words, instructions) {
  const writing = read();
  await decide({ do: "preset", name: words, instructions });
  write(writing);
}

async function check(button) {
  const box = $("[data-told]", button.closest("li"));
  button.disabled = true;
  box.dataset.well = "";
  box.innerHTML = `${t("Asking…")}${counter()}`;
  const told = await order({ do: "check", provider: button.dataset.provider });
  button.disabled = false;
  box.dataset.well = told.ok ? "yes" : "no";
  box.textContent = told.ok ? told.told : `${told.message} ${told.advice}`;
  const status = $("[role=status]", dialog);
  if (status) status.textContent = box.textContent;
}
