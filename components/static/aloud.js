// Reading a reply out when that is asked for: its sound comes piece by piece, and stays with it.

import { $, on } from "./dom.js";
import * as call from "./call.js";
import * as chat from "./chat.js";
import * as conversations from "./conversations.js";
import { counter } from "./elapsed.js";
import * as sound from "./sound.js";
import { t } from "./words.js";

let complain = () => {};

export function begin(onTrouble) {
  complain = onTrouble;
  on("read-aloud", readAloud);
  // What it may cost is said before it is spent.
  for (const name of ["pointerover", "focusin"]) document.addEventListener(name, ({ target }) => price(target.closest?.("[data-do=read-aloud]")));
}

function price(button) {
  if (!button) return;
  const most = Number($("#parley-forecast [data-most]")?.dataset.speech ?? 0);
  const words = most ? t("Read aloud: up to {n} requests", { n: most }) : t("Read aloud");
  button.title = words;
  button.setAttribute("aria-label", words);
}

async function readAloud(button) {
  if (call.isOn() || button.ariaBusy === "true") return;
  const [conversation, reply] = [conversations.id(), button.closest("article").dataset.id];
  button.ariaBusy = "true";
  button.insertAdjacentHTML("afterend", counter());
  complain("");
  sound.expect(reply);
  try {
    const answer = await fetch(`/parley/aloud/${conversation}/${reply}`, { method: "POST" });
    if (!answer.ok) throw new Error(answer.status === 429 ? t("That is faster than Parley can take it.") : t("Parley did not read it."));
    for await (const told of lines(answer.body)) {
      if (told.message) complain(told.message, told.advice);
      else if (conversations.id() === conversation) chat.change({ messages: [told] });
    }
  } catch (trouble) {
    complain(t("The reply could not be read out."), trouble.message);
  }
  button.ariaBusy = "false";
  if (button.nextElementSibling?.matches("parley-elapsed")) button.nextElementSibling.remove();
  sound.failed(reply);
}

/** The JSON lines of a body, as they come. */
async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let begun = "";
  for (;;) {
    const { value, done } = await reader.read();
    const whole = (begun + (value ?? "")).split("\n");
    begun = whole.pop();
    for (const line of whole) yield JSON.parse(line);
    if (done) return;
  }
}
