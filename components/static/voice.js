// Which voice reads replies: the choice in the sheet of who answers, and how each of them sounds.

import { $, $$, on } from "./dom.js";
import { counter } from "./elapsed.js";
import { order } from "./orders.js";
import * as sound from "./sound.js";
import { language, t } from "./words.js";

const PATIENCE_MS = 90_000;
const samples = new Map(); // what was previewed here, so that it is never paid for twice
let complain = () => {};

export function begin(onTrouble) {
  complain = onTrouble;
  on("preview-voice", preview);
  document.addEventListener("change", ({ target }) => {
    if (target.id === "parley-voice" || target.id === "parley-pace") choose();
  });
  // The languages of the list in words, whenever it is drawn.
  new MutationObserver(nameLanguages).observe($("dialog.parley-choice"), { childList: true });
}

const wanted = () => ({ voice: $("#parley-voice").value.trim(), pace: Number($("#parley-pace").value) });

function nameLanguages() {
  const names = new Intl.DisplayNames([language], { type: "language" });
  for (const group of $$("#parley-voice optgroup")) {
    try { group.label = names.of(group.label); } catch { /* no tag that is known: it stays */ }
  }
}

async function choose() {
  const told = await order({ do: "voice", ...wanted() });
  if (!told.ok) tell(told);
}

async function preview(button) {
  const { voice, pace } = wanted();
  const key = `${voice} ${pace}`;
  button.disabled = true;
  tell({ message: samples.has(key) ? "" : t("Asking for a sample…") });
  if (!samples.has(key)) $(".voice-told")?.insertAdjacentHTML("beforeend", counter());
  const told = samples.has(key) ? { ok: true, sound: samples.get(key) } : await order({ do: "preview", voice, pace }, PATIENCE_MS);
  const again = $("#parley-preview");
  if (again) again.disabled = false;
  button.disabled = false;
  tell(told.ok ? { message: "" } : told);
  if (!told.ok) return;
  samples.set(key, told.sound);
  if ($("#parley-preview")) sound.play(new Audio(told.sound));
}

function tell({ message, advice = "" }) {
  const box = $(".voice-told");
  if (box) box.textContent = `${message} ${advice}`.trim();
  else if (message) complain(message, advice);
}
