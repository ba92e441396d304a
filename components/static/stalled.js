// A reply that grows, and of which nothing comes for a while, says so and for how long.

import { $ } from "./dom.js";
import { counter, now } from "./elapsed.js";
import { t } from "./words.js";

const PATIENCE_MS = 3000; // so long a model may think between two words
const COUNTED = ".waiting, .voicing, .reasoning.busy, .tool.running, .tool.asking"; // these say it themselves

let late = 0;
let watched = null;

/** Something of the newest `message` came just now, or `since` then: what is missing is waited for from there on. */
export function moved(message, since = now()) {
  if (message && message === watched && message.source) return; // it was drawn again as it is
  watched = message;
  clearTimeout(late);
  $(".stalled")?.remove();
  if (message?.dataset.status !== "running") return;
  const waited_ms = 1000 * (now() - since);
  late = setTimeout(() => {
    if (!message.isConnected || $(COUNTED, message)) return;
    message.insertAdjacentHTML("beforeend", `<p class="stalled"><span>${t("Waiting for more")}</span>${counter(since)}</p>`);
  }, Math.min(PATIENCE_MS, PATIENCE_MS - waited_ms));
}
