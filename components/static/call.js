// The hands-free call: the microphone goes to Parley, the reply is heard, and one may break in.

import { $, on, store } from "./dom.js";
import * as conversations from "./conversations.js";
import { counter } from "./elapsed.js";
import * as sound from "./sound.js";
import * as speaker from "./speaker.js";
import { t } from "./words.js";

const LAST_WORDS = new Set([1000, 1008, 1009, 1013, 4001, 4401]); // codes after which nobody calls again
const MOST_TRIES = 6;
const MOST_UNSENT = 64_000; // bytes, 2 s of sound: what a line this slow would bring later is dropped
const LOOK_MS = 100;
const AWAITED = new Set(["calling", "thinking", "cut"]); // it is said for how long
const PATIENCE_MS = 3000; // for sound that was spoken, and has not begun yet
const STATES = {
  calling: t("Calling…"),
  listening: t("Listening"),
  hearing: t("Hearing you"),
  thinking: t("Thinking"),
  speaking: t("Speaking"),
  resting: t("Resting"),
  drafting: t("Is this what you said?"),
  cut: t("The line was cut. Calling again…"),
};
const NOTES = {
  resting: t("Nobody spoke for a while. The microphone is off until you tap Go on."),
  drafting: t("This machine understands only roughly. Correct it, then press Enter."),
};

let call = null; // what there is while a call lasts
let notice = () => {};
const view = () => $("#parley-call section");

export const isOn = () => call !== null;

export function begin(say) {
  notice = say;
  on("call", () => (call ? end() : start()));
  on("hang-up", () => end());
  on("call-wake", () => tell({ wake: true }));
  on("call-interrupt", interrupt);
  on("call-drop", () => tell({ drop: true }));
  $("form", view()).addEventListener("submit", sendDraft);
  $("textarea", view()).addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) sendDraft(event);
  });
  const half = $("[data-half-duplex]", view());
  half.checked = store.get("parley.half-duplex") === "yes";
  half.addEventListener("change", () => {
    store.set("parley.half-duplex", half.checked ? "yes" : null);
    tell({ half_duplex: half.checked });
  });
  document.addEventListener("keydown", onKey, true);
  speaker.onState(look);
  addEventListener("pagehide", () => end());
}

/** The conversation is left: so is its call. */
export function leave() {
  if (call) end();
}

async function start() {
  if (!navigator.mediaDevices?.getUserMedia) {
    return notice(t("There is no microphone here."), t("Browsers give it only to pages on https or on localhost."));
  }
  notice("");
  sound.silence();
  speaker.context().resume(); // while there is a gesture that allows it
  const mine = (call = { conversation: conversations.id(), turn: "", tries: 0, sounding: false });
  mine.watch = setInterval(look, LOOK_MS); // a browser does not say when its own voice is silent
  show("calling");
  document.body.dataset.call = "yes";
  try {
    mine.stream = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
    mine.context = new AudioContext();
    await mine.context.audioWorklet.addModule(new URL("./call_worklet.js", import.meta.url));
  } catch (trouble) {
    release(mine);
    if (call === mine) end();
    const denied = trouble.name === "NotAllowedError";
    return notice(denied ? t("The microphone is not allowed here.") : t("No microphone could be opened."),
      denied ? t("Allow it in the browser's address bar, then call again.") : trouble.message);
  }
  if (call !== mine) return release(mine); // hung up meanwhile
  const ear = new AudioWorkletNode(mine.context, "parley-ear", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
  ear.port.onmessage = ({ data }) => send(data);
  mine.context.createMediaStreamSource(mine.stream).connect(ear);
  mine.stream.getAudioTracks()[0].addEventListener("ended", () => {
    if (call === mine) end(t("The microphone was taken away."), t("Connect it again, then call again."));
  });
  dial(mine);
  $("[data-do=hang-up]", view()).focus();
}

function dial(mine) {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const guest = window.parleyGuest ? `?guest=${encodeURIComponent(window.parleyGuest)}` : "";
  const socket = (mine.socket = new WebSocket(`${scheme}//${location.host}/parley/call${guest}`));
  socket.onopen = () => {
    const half_duplex = $("[data-half-duplex]", view()).checked;
    socket.send(JSON.stringify({ begin: mine.conversation, half_duplex }));
  };
  socket.onmessage = ({ data }) => {
    if (call !== mine) return;
    const frame = JSON.parse(data);
    frames[frame.kind]?.(frame);
  };
  socket.onclose = ({ code, reason }) => {
    if (call !== mine) return;
    if (LAST_WORDS.has(code) || mine.tries >= MOST_TRIES) {
      return end(reason || t("The call was cut off."), code === 4001 ? "" : t("What was said before is kept. Call again."));
    }
    mine.tries += 1;
    show("cut");
    setTimeout(() => { if (call === mine) dial(mine); }, 300 * 1.7 ** mine.tries);
  };
}

/** Ends the call and gives the microphone back; a turn that runs goes on in the chat. */
function end(message = "", advice = "") {
  const ended = call;
  if (!ended) return;
  call = null;
  sound.silence();
  ended.socket?.close(1000);
  release(ended);
  const inside = view().contains(document.activeElement);
  document.body.dataset.call = "";
  view().hidden = true;
  announce(message || t("The call has ended."));
  if (message) notice(message, advice);
  if (inside) $("[data-do=call]").focus();
}

function release({ stream, context, watch }) {
  clearInterval(watch);
  for (const track of stream?.getTracks() ?? []) track.stop();
  context?.close();
}

function tell(word) {
  if (call?.socket?.readyState === WebSocket.OPEN) call.socket.send(JSON.stringify(word));
}

/** A frame of the microphone, unless nobody listens or the line cannot carry it. */
function send(frame) {
  if (!call || call.socket?.readyState !== WebSocket.OPEN) return;
  const samples = new Int16Array(frame);
  const loud = Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length) / 32767;
  const off = ["resting", "drafting", "calling", "cut"].includes(call.state)
    || (call.sounding && $("[data-half-duplex]", view()).checked);
  view().style.setProperty("--level", off ? 0 : Math.min(1, loud * 5));
  if (!off && call.socket.bufferedAmount < MOST_UNSENT) call.socket.send(frame);
}

const frames = {
  state({ state }) {
    call.tries = 0;
    show(state);
  },
  nothing: () => note(t("Nothing was heard yet. Speak whenever you like.")),
  heard({ text, rough }) {
    $(".call-heard", view()).hidden = false;
    $(".call-heard span", view()).textContent = rough ? t("Heard roughly") : t("Heard");
    $(".call-heard q", view()).textContent = text || "…";
    if (rough) $("textarea", view()).value = text;
    if (!text) note(t("No words were understood. Nothing was sent."));
    conversations.settle();
  },
  reply({ turn, note: words }) {
    if (turn !== call.turn) [call.turn, call.over, call.heard] = [turn, false, false];
    note(words);
  },
  over({ spoken }) {
    call.over = true;
    call.expects = spoken && !call.heard;
    call.patience = performance.now() + PATIENCE_MS;
    look();
  },
  barged: () => sound.drop(call.turn),
  meter({ costs, spent, left }) {
    $("[data-costs]", view()).textContent = costs;
    $("[data-spent]", view()).textContent = spent;
    $("[data-left]", view()).textContent = left;
  },
  told: ({ message, advice }) => notice(message, advice),
};

/** What the loudspeaker does now; the reply is over for the call when it is silent after it. */
function look() {
  if (!call) return;
  const sounding = speaker.isSpeaking() || Boolean(window.speechSynthesis?.speaking);
  if (sounding !== call.sounding) {
    call.sounding = sounding;
    call.heard ||= sounding;
    tell({ speaking: sounding });
  }
  const comes = call.expects && !call.heard && performance.now() < call.patience;
  if (!call.over || sounding || comes) return;
  call.over = false;
  tell({ silent: true });
}

function interrupt() {
  sound.drop(call.turn);
  tell({ interrupt: true });
}

function sendDraft(event) {
  event.preventDefault();
  const words = $("textarea", view()).value.trim();
  if (words) tell({ say: words });
}

function show(state) {
  const box = view();
  if (state !== call.state || box.hidden) count(state);
  call.state = state;
  box.hidden = false;
  box.dataset.state = state;
  $(".call-state b", box).textContent = STATES[state];
  note(NOTES[state] ?? "");
  if (state === "drafting") $("textarea", box).focus();
  // Who listens need not be told, in the middle of a word, that they are heard.
  if (state !== "hearing") announce(STATES[state]);
}

function count(state) {
  $(".call-state parley-elapsed", view())?.remove();
  if (AWAITED.has(state)) $(".call-state b", view()).insertAdjacentHTML("afterend", counter());
}

function note(words) {
  const box = $(".call-state p span", view());
  if (box.textContent !== words) box.textContent = words;
}

function announce(words) {
  const box = $("#parley-call-said");
  if (box.textContent !== words) box.textContent = words;
}

function onKey(event) {
  if (event.key !== "Escape" || !call || $("dialog[open], :popover-open")) return;
  event.preventDefault();
  event.stopPropagation();
  end();
}
