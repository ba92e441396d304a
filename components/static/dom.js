// Finding, waiting for and listening to elements.

import { locale } from "./words.js";

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
export const icon = (name) => window.parleyIcons[name] ?? "";

/** Resolves when every selector is in the page: Gradio draws it some time after the scripts load. */
export function ready(...selectors) {
  return new Promise((resolve) => {
    const look = () => selectors.every((selector) => $(selector)) && (watch.disconnect(), resolve());
    const watch = new MutationObserver(look);
    watch.observe(document.documentElement, { childList: true, subtree: true });
    look();
  });
}

/** Focuses `element`, unless the reader went on elsewhere meanwhile: a dialog is told late that it was closed. */
export const handBack = (element) => document.activeElement === document.body && element.focus();

const acts = new Map();

/** Runs `act(element, event)` when an element with data-do="name" is clicked, now or later. */
export const on = (name, act) => acts.set(name, act);

document.addEventListener("click", (event) => {
  const element = event.target.closest?.("[data-do]");
  const act = element && acts.get(element.dataset.do);
  if (!act || (element.tagName === "A" && (event.ctrlKey || event.metaKey || event.shiftKey))) return;
  event.preventDefault();
  act(element, event);
});

export const escape = (text) =>
  text.replace(/[&<>"']/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[c]);

/** localStorage that never throws; a null value removes. */
export const store = {
  get(key) {
    try { return localStorage.getItem(key); } catch { return null; }
  },
  set(key, value) {
    try {
      if (value) localStorage.setItem(key, value);
      else localStorage.removeItem(key);
    } catch { /* storage is full or off: nothing is remembered */ }
  },
};

/** Rewrites the times under `root` in the reader's zone and language. */
export function localise(root) {
  for (const time of $$("time[datetime]", root)) {
    const when = new Date(time.dateTime);
    const long = { dateStyle: "medium", timeStyle: "short" };
    time.title = when.toLocaleString(locale, long);
    time.textContent = time.dataset.as === "date"
      ? when.toLocaleDateString(locale, { dateStyle: "medium" })
      : when.toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" });
  }
}
