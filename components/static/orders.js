// Orders to the server, as Gradio events: a visible button or the hidden courier carries the slip.

import { $ } from "./dom.js";

const waiting = new Map();
const queue = [];
let number = 0;

/** The slip of an order, and the promise of its answer {ok, message, advice}. */
export function write(order, patience_ms = 30_000) {
  number += 1;
  const mine = number;
  const answer = new Promise((resolve) => waiting.set(mine, resolve));
  setTimeout(() => settle({ number: mine, ok: false, message: "No answer came from Parley.",
    advice: "Check that it still runs, then try again." }), patience_ms);
  return { slip: JSON.stringify({ ...order, number: mine }), answer };
}

/** Sends an order that has no button of its own. */
export function order(what, patience_ms) {
  const { slip, answer } = write(what, patience_ms);
  queue.push(slip);
  $("#parley-order").click();
  return answer;
}

export const nextOrder = () => queue.shift() ?? "";

export function settle(answer) {
  const resolve = waiting.get(answer.number);
  waiting.delete(answer.number);
  resolve?.(answer);
}
