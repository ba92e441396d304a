// A word at the edge of the page, which goes by itself.

import { $, escape } from "./dom.js";
import { counter, now } from "./elapsed.js";

const SHOWN_MS = 12_000;
let going = 0;

/**
 * Says something for a while, with an `act` to `run`; gives a function that says something else in its
 * place, or nothing. What goes on `since` then stays until that, and is counted.
 */
export function toast(words, { act = "", run = null, since = 0 } = {}) {
  let box = $("#parley-toast");
  if (!box) {
    box = Object.assign(document.createElement("div"), { id: "parley-toast" });
    box.setAttribute("role", "status");
    document.body.append(box);
  }
  const begun = since || now();
  const say = (said, still = false) => {
    clearTimeout(going);
    box.innerHTML = `<span>${escape(said)}${still ? counter(begun) : ""}</span>${run && said === words ? `<button type="button">${escape(act)}</button>` : ""}`;
    box.hidden = !said;
    $("button", box)?.addEventListener("click", () => { box.hidden = true; run(); });
    if (!still) going = setTimeout(() => { box.hidden = true; }, SHOWN_MS);
  };
  say(words, Boolean(since));
  return say;
}
