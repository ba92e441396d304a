// Tool calls in the chat: their questions, the keyboard, and what is said of them to those who listen.

import { $, $$, on } from "./dom.js";
import * as conversations from "./conversations.js";
import { order } from "./orders.js";
import { t } from "./words.js";

const STATES = ["asking", "running", "done", "failed"];

const told = new Map(); // a card → the state that was last seen, so that each is said once
let region = null;
let complain = () => {};

export function begin(onTrouble) {
  complain = onTrouble;
  // Apart from the region that reads replies: neither cuts the other short.
  region = document.createElement("div");
  region.id = "parley-tool-announcer";
  region.className = "unseen";
  region.setAttribute("role", "status");
  document.body.append(region);
  on("decide", decide);
}

const input = () => $("#parley-input textarea");
const questions = () => $$("#parley-messages .tool-question");

/**
 * Draws, keeps the keyboard where it was though its card is drawn anew, and says what has changed.
 * `opening`: these cards are not news, but a question is.
 */
export function around(draw, opening = false) {
  const held = document.activeElement;
  const box = held?.closest("#parley-messages [data-key^=tool]");
  const asked = held?.closest(".tool-question");
  draw();
  if (box && !held.isConnected) {
    const again = $(".tool-question", box) ?? (asked ? questions()[0] : $("summary", box));
    (box.isConnected && again ? again : input()).focus();
  }
  say(opening);
}

function ended({ dataset: { tool } }, state, words) {
  if (words === t("rejected")) return t("{tool} was rejected", { tool });
  return state === "done" ? t("{tool} is done", { tool }) : t("{tool} failed", { tool });
}

function say(opening) {
  const words = [];
  // Only the newest reply goes on; a long conversation is not looked through twenty times a second.
  for (const card of $$(`#parley-messages ${opening ? "" : "> :last-child"} .tool`)) {
    const name = `${card.closest("article").dataset.id} ${card.parentElement.dataset.key}`;
    const state = STATES.find((one) => card.classList.contains(one));
    if (told.get(name) === state) continue;
    told.set(name, state);
    if (state === "asking") words.push(`${$("p", card.nextElementSibling).textContent} ${t("Approve, Always or Reject.")}`);
    else if (!opening && state !== "running") words.push(`${ended(card, state, $(".state", card).textContent)}.`);
  }
  if (words.length) region.textContent = words.join(" ");
}

/** The owner's word to a tool that asks; the card changes when the server says so. */
async function decide(button) {
  const question = button.closest(".tool-question");
  const { call, verdict } = button.dataset;
  const buttons = $$("button", question);
  question.focus({ preventScroll: true }); // a disabled button would let go of the keyboard
  for (const other of buttons) other.disabled = true;
  const answer = await order({ do: "decide", conversation: conversations.id(), call, verdict });
  if (answer.ok) {
    const here = document.activeElement;
    // The card was drawn anew before the answer came, and its reader goes on already.
    if (here !== document.body && !question.contains(here)) return;
    // Not a button of the next question: a key that is pressed twice must not answer it too.
    return (questions().find((other) => other !== question && other.dataset.call !== call) ?? input()).focus();
  }
  for (const other of buttons) other.disabled = false;
  button.focus();
  complain(answer.message, answer.advice);
}
