// Speaking in place of writing: record, read what was understood, put it right, send it.

import { $, escape, on, store } from "./dom.js";
import * as attachments from "./attachments.js";
import { counter } from "./elapsed.js";
import * as conversations from "./conversations.js";
import { order } from "./orders.js";
import * as recorder from "./recorder.js";
import { isTemporary } from "./temporary.js";
import { t } from "./words.js";

const PATIENCE_MS = 180_000;
const KEPT = "parley.takes"; // what was written down and not sent yet, as long as the tab lives
const button = () => $("#parley-mic button");
const atOnce = () => $("#parley-at-once");
const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

let changed = () => {};
let notice = () => {};
let send = () => {};

export function begin(onChange, tell, onSend) {
  [changed, notice, send] = [onChange, tell, onSend];
  on("record", toggle);
  on("cancel-take", cancel);
  on("write-down", (again) => { const item = attachments.of(again); item.done = writeDown(item); });
  atOnce().checked = store.get("parley.at-once") === "yes";
  atOnce().addEventListener("change", () => store.set("parley.at-once", atOnce().checked ? "yes" : null));
  bringBack();
}

export const isRecording = recorder.isRecording;

export async function toggle() {
  if (recorder.isRecording()) return finish();
  if (attachments.isFull()) return;
  notice("");
  try {
    if (await recorder.start(showLevel, () => finish())) show(true);
  } catch (trouble) {
    notice(...recorder.explained(trouble));
  }
}

/** Throws the take away; false where there was none. */
export function cancel() {
  const was = recorder.isRecording();
  recorder.cancel();
  if (was) show(false);
  if (was) button().focus();
  return was;
}

/** Ends the take and has it written down: a draft, or `go`: sent as soon as it is understood. */
export async function finish(go = atOnce().checked) {
  if (!recorder.isRecording()) return;
  const taken = recorder.finish();
  show(false);
  const sound = await taken;
  if (!sound) return notice(t("Nothing was recorded."), t("Check the microphone, then try again."));
  const file = new File([sound], "recording.wav", { type: "audio/wav" });
  await attachments.add(file, (item) => writeDown(item, go));
}

function showLevel(loud, seconds) {
  const level = $("#parley-mic .level");
  level.style.setProperty("--level", loud);
  $("[role=timer]", level).textContent = clock(seconds);
}

function show(recording) {
  document.body.dataset.recording = recording ? "yes" : "";
  $("#parley-mic .level").hidden = !recording;
  showLevel(0, 0);
  button().setAttribute("aria-pressed", String(recording));
  button().title = recording ? t("Finish recording") : t("Record");
  button().setAttribute("aria-label", button().title);
  changed();
}

/** Has a recording in the tray written down: 1 request, once. Resolves to it, or null: it is gone. */
export async function writeDown(item, go = false) {
  item.state = "";
  draw(item, `<p class="doing"><span role="status">${t("Writing down what was said …")}</span>${counter()}</p>`);
  changed();
  const told = await words(item);
  if (!attachments.holds(item)) return null; // removed meanwhile
  if (told.silent) {
    attachments.remove(item);
    notice(t("No speech was heard, so nothing was sent and nothing spent."), t("Speak closer to the microphone, then record again."), "calm");
    return null;
  }
  if (told.ok) {
    drawDraft(item, told);
    if (go && told.text && !told.rough) send();
    else $("textarea", item.box).focus();
  } else {
    item.state = "failed";
    draw(item, `<p class="failed" role="alert"><b>${escape(told.message)}</b> ${escape(told.advice)}</p>
      <button type="button" class="plain" data-do="write-down">${t("Try again")}</button>`);
  }
  changed();
  return item;
}

async function words(item) {
  if (!item.sha256 && !(await attachments.upload(item, true))) {
    return { ok: false, message: t("The recording could not be brought to Parley."), advice: t("Check that it still runs.") };
  }
  return order({ do: "transcribe", conversation: conversations.id(), recording: item.sha256 }, PATIENCE_MS);
}

function drawDraft(item, { text, rough }) {
  item.state = "heard"; // nothing more is to be paid for its words
  item.rough = rough;
  const note = !text ? t("No words were understood. Type what you said, or remove the recording.")
    : rough ? t("Roughly understood by this machine. Correct it before you send it.")
      : t("This is what was understood. Correct it where it is wrong.");
  draw(item, `<textarea rows="1" maxlength="100000" aria-label="${t("What was understood")}"></textarea><small>${note}</small>`);
  const box = $("textarea", item.box);
  box.value = text;
  item.words = () => box.value;
  box.addEventListener("input", () => { fit(box); changed(); });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  fit(box);
}

function fit(box) {
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
}

/** Under the player of a recording in the tray. */
function draw(item, html) {
  item.box.classList.add("take");
  const place = $(".words", item.box) ?? item.box.appendChild(Object.assign(document.createElement("div"), { className: "words" }));
  place.innerHTML = html;
}

/** Remembers what was written down: it is not to be lost, or paid for again, when the page reloads. */
export function keep() {
  if (isTemporary(conversations.id())) return;
  const takes = attachments.all().filter((item) => item.state === "heard")
    .map((item) => ({ sha256: item.sha256, name: item.name, rough: item.rough, text: item.words() }));
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(takes));
  } catch { /* storage is full or off */ }
}

/** What was written down and not sent before the page was loaded, or a temporary chat was open. */
export function bringBack() {
  let takes = [];
  try {
    takes = JSON.parse(sessionStorage.getItem(KEPT)) ?? [];
  } catch { /* nothing was kept */ }
  for (const take of takes) drawDraft(attachments.bringBack(take), take);
}
