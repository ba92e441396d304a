// A key of one's own: typed into the sheet behind the status line, sent once, and kept nowhere here.

import { $, escape, on } from "./dom.js";
import { counter } from "./elapsed.js";
import { t } from "./words.js";

let dialog = null;
let said = ""; // what came of the last try, while the sheet is open

/** `hooks.connected` is called when a key was taken, `hooks.trouble` where the sheet is gone by then. */
export function begin(sheet, hooks) {
  dialog = sheet;
  on("connect-key", () => connect(hooks));
  on("disconnect-key", () => disconnect(hooks));
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.id !== "parley-key") return;
    event.preventDefault();
    connect(hooks);
  });
}

export const forget = () => { said = ""; };

/** What is being typed, to be put back once the sheet has been drawn again. */
export function hold() {
  const held = ["#parley-key", "#parley-key-provider"].map((name) => [name, $(name, dialog)]);
  return () => {
    for (const [name, element] of held) if (element) $(name, dialog)?.replaceWith(element);
    tell(said);
  };
}

export function focus() {
  const first = $("#parley-key, #parley-key-off", dialog);
  first?.closest("section").scrollIntoView({ block: "center" });
  first?.focus({ preventScroll: true });
}

async function connect(hooks) {
  const field = $("#parley-key", dialog);
  const key = field.value.trim();
  field.value = "";
  if (!key) return field.focus();
  $("#parley-key-on", dialog).disabled = true;
  tell(`${t("Asking there…")}${counter()}`);
  const [whose] = $("#parley-key-provider", dialog).selectedOptions;
  const told = await send("POST", { provider: whose.value, plan: whose.dataset.plan, key });
  const button = $("#parley-key-on", dialog);
  if (button) button.disabled = false;
  ended(told, hooks);
  if (told.ok) hooks.connected();
}

async function disconnect(hooks) {
  ended(await send("DELETE"), hooks);
}

function ended(told, hooks) {
  if (!dialog.open) return told.ok || hooks.trouble(told.message, told.advice);
  tell(told.ok ? escape(told.message) : `<b>${escape(told.message)}</b> ${escape(told.advice)}`);
  if (!told.ok) focus();
}

function tell(html) {
  said = html;
  const box = $(".key-told", dialog);
  if (box) box.innerHTML = html;
}

/** A route of our own: what passes through Gradio is kept by it for a while. */
async function send(method, body) {
  try {
    const headers = { "content-type": "application/json" };
    const answer = await fetch("/parley/key", { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
    return await answer.json();
  } catch {
    return { ok: false, message: t("No answer came from Parley."), advice: t("Check that it still runs, then try again.") };
  }
}
