// Orders to the server, as Gradio events: a visible button or the hidden courier carries the slip.

import { $ } from "./dom.js";
import { t } from "./words.js";

const waiting = new Map();
const queue = [];
const DECIDES = new Set(["choose", "style", "instruct"]);
const deciding = new Set();
let number = 0;

/** The slip of an order, and the promise of its answer {ok, message, advice}. */
export function write(order, patience_ms = 30_000) {
  number += 1;
  const mine = number;
  const answer = new Promise((resolve) => waiting.set(mine, resolve));
  setTimeout(() => settle({ number: mine, ok: false, message: t("No answer came from Parley."),
    advice: t("Check that it still runs, then try again.") }), patience_ms);
  return { slip: JSON.stringify({ ...order, number: mine }), answer };
}

/** Sends an order that has no button of its own. */
export function order(what, patience_ms) {
  const { slip, answer } = write(what, patience_ms);
  if (DECIDES.has(what.do)) {
    deciding.add(answer);
    answer.then(() => deciding.delete(answer));
  }
  queue.push(slip);
  $("#parley-order").click();
  return answer;
}

/** Resolves once what was decided about the replies has arrived: a message goes after it. */
export const decided = () => Promise.all(deciding);

export const nextOrder = () => queue.shift() ?? "";

export function settle(answer) {
  const resolve = waiting.get(answer.number);
  waiting.delete(answer.number);
  resolve?.(answer);
}
