// A reply that grows, and of which nothing comes for a while, says so and for how long.

import { $ } from "./dom.js";
import { counter, now } from "./elapsed.js";
import { t } from "./words.js";

const PATIENCE_MS = 3000; // so long a model may think between two words
const COUNTED = ".waiting, .voicing, .reasoning.busy, .tool.running, .tool.asking"; // these say it themselves

let late = 0;
let watched = null;

/** Something of the newest `message` has come just now: what is missing is waited for from here on. */
export function moved(message) {
  if (message && message === watched && message.source) return; // it was drawn again as it is
  watched = message;
  clearTimeout(late);
  $(".stalled")?.remove();
  if (message?.dataset.status !== "running") return;
  const since = now();
  late = setTimeout(() => {
    if (!message.isConnected || $(COUNTED, message)) return;
    message.insertAdjacentHTML("beforeend", `<p class="stalled"><span>${t("Waiting for more")}</span>${counter(since)}</p>`);
  }, PATIENCE_MS);
}
