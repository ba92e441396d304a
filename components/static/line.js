// The one WebSocket of the page: connects, follows, and connects again when it is cut.

import { $ } from "./dom.js";
import { counter, now } from "./elapsed.js";

const LONGEST_WAIT_MS = 8000;
const DISCREET_MS = 1200;

let socket = null;
let tries = 0;
let retry = 0;
let late = 0;
let following = null;
let looking = null;
let listed = null;
let seesTools = false;
let receive = () => {};

export function connect(onFrame) {
  receive = onFrame;
  open();
  addEventListener("online", hurry);
  document.addEventListener("visibilitychange", () => document.hidden || hurry());
}

/** Shows `conversation` from now on; said again by itself whenever the line was cut. */
export function follow(conversation) {
  following = conversation;
  say({ follow: conversation, offset: -new Date().getTimezoneOffset() });
}

export const earlier = (conversation, before) => say({ follow: conversation, before });

/** Whether the sheet of those who could answer is open here, and so is kept up to date. */
export const choosing = (yes) => say({ choosing: yes });

/** What is looked for in the panel of memories, or null: it is kept up to date while that is open. */
export function remembering(wanted) {
  looking = wanted;
  say({ remembering: wanted });
}

/** How far the list of conversations is shown, and which folders are unfolded. */
export function listing(wanted) {
  listed = wanted;
  say({ listing: wanted });
}

/** Whether the panel of tools is open here, and so is kept up to date. */
export function tools(yes) {
  seesTools = yes;
  say({ tools: yes });
}

function say(frame) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
}

function open() {
  clearTimeout(retry);
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const guest = window.parleyGuest ? `?guest=${encodeURIComponent(window.parleyGuest)}` : "";
  socket = new WebSocket(`${scheme}//${location.host}/parley/live${guest}`);
  socket.onopen = () => {
    tries = 0;
    clearTimeout(late);
    late = 0;
    $("#parley-line").hidden = true;
    if (following) follow(following);
    if (listed) listing(listed);
    if (looking) remembering(looking);
    if (seesTools) tools(true);
  };
  socket.onmessage = (event) => receive(JSON.parse(event.data));
  socket.onclose = ({ code }) => {
    if (code === 4401) return location.reload(); // logged out: the page to log in takes this one's place
    document.documentElement.dataset.live = "closed";
    late ||= setTimeout(cut, DISCREET_MS, now());
    const wait = Math.min(LONGEST_WAIT_MS, 300 * 2 ** tries) * (0.7 + Math.random() * 0.6);
    tries += 1;
    retry = setTimeout(open, wait);
  };
}

function cut(since) {
  const box = $("#parley-line");
  $("parley-elapsed", box)?.remove();
  box.insertAdjacentHTML("beforeend", counter(since));
  box.hidden = false;
}

function hurry() {
  if (socket?.readyState === WebSocket.CLOSED) {
    tries = 0;
    open();
  }
}
