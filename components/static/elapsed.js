// How long something has been going on: counted here second by second, and nobody is asked for it.

import { t } from "./words.js";

const LEAST_MS = 1000; // what is over sooner needs no number
let ahead_ms = 0; // by which the clock here is before that of Parley

/** Sets the clock by that of Parley: `now_s` are seconds since 1970. */
export function setClock(now_s) {
  ahead_ms = Date.now() - 1000 * now_s;
}

/** Seconds since 1970, as Parley has them. */
export const now = () => (Date.now() - ahead_ms) / 1000;

/** A counter as HTML, which starts now, or started `since` then. */
export const counter = (since = now()) =>
  `<parley-elapsed since="${since}" aria-hidden="true"></parley-elapsed>`;

const lasting = (seconds) =>
  seconds < 60 ? t("{n} s", { n: seconds }) : t("{minutes} min {n} s", { minutes: Math.floor(seconds / 60), n: seconds % 60 });

/** Counts from its `since` as long as it is in the page. */
class Elapsed extends HTMLElement {
  #words = new Text();
  #next = 0;

  connectedCallback() {
    this.append(this.#words);
    this.#count();
  }

  disconnectedCallback() {
    clearTimeout(this.#next);
  }

  #count() {
    const age_ms = 1000 * (now() - Number(this.getAttribute("since")));
    this.toggleAttribute("shown", age_ms >= LEAST_MS);
    if (age_ms >= LEAST_MS) this.#words.data = lasting(Math.floor(age_ms / 1000));
    this.#next = setTimeout(() => this.#count(), LEAST_MS - (age_ms % LEAST_MS));
  }
}

customElements.define("parley-elapsed", Elapsed);
