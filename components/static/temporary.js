// Temporary chats: their ids tell them, and nothing of them is kept, in this browser neither.

import { $ } from "./dom.js";
import { t } from "./words.js";

const MARK = "7e3a0fad0000"; // temporary.py
export const isTemporary = (id) => id.startsWith(MARK);
export const newId = (random) => MARK + random.slice(MARK.length);

/** What the page says of the chat that is open. */
export function show(id) {
  document.body.dataset.temporary = isTemporary(id) ? "yes" : "";
  if (isTemporary(id)) $("#parley-begin button").setAttribute("aria-current", "page");
  else $("#parley-begin button").removeAttribute("aria-current");
}

export const title = () => t("Temporary chat");
