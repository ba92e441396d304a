// Files that Parley makes when they are asked for: that may take a while, and then the browser saves them.

import { $, on } from "./dom.js";
import { now } from "./elapsed.js";
import { tell } from "./memories.js";
import { toast } from "./toast.js";
import { t } from "./words.js";

const PATIENCE_MS = 400; // what takes longer shows that it is on its way
const KEPT_MS = 60_000; // by then the browser has it

export function begin() {
  on("save", (link) => save(link.getAttribute("href")));
}

/** Has the browser save the file at `address`; says how long that takes, and if it fails. */
export async function save(address) {
  const since = now();
  let slow = false;
  const late = setTimeout(() => { slow = true; say(t("Exporting…"), "calm", since); }, PATIENCE_MS);
  const { name, trouble } = await fetched(address);
  clearTimeout(late);
  if (trouble) say(trouble);
  else if (slow) say(t("Saved as {name}.", { name }), "calm");
}

/** In the dialog from which it was asked for, or else at the edge of the page. */
function say(words, tone = "", since = 0) {
  if ($("dialog[open] .choice-told")) tell(words, tone, since);
  else toast(words, { since });
}

async function fetched(address) {
  try {
    const answer = await fetch(address);
    if (!answer.ok) {
      const { message, advice } = await answer.json();
      return { trouble: `${message} ${advice}` };
    }
    const name = named(answer.headers.get("content-disposition") ?? "");
    give(await answer.blob(), name);
    return { name };
  } catch {
    return { trouble: t("The file could not be made. Check that Parley still runs.") };
  }
}

function named(disposition) {
  const [, wide] = /filename\*=UTF-8''([^;]+)/.exec(disposition) ?? [];
  const [, plain] = /filename="([^"]+)"/.exec(disposition) ?? [];
  return wide ? decodeURIComponent(wide) : plain ?? "parley";
}

function give(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}
