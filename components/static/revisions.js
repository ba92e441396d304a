// What a reader does with messages: edit, other versions, go on, like, branch.

import { $, $$, on } from "./dom.js";
import * as chat from "./chat.js";
import * as composer from "./composer.js";
import * as conversations from "./conversations.js";
import { order } from "./orders.js";
import { t } from "./words.js";

export function begin() {
  on("edit-said", (button) => edit(button.closest("article")));
  on("select", select);
  on("rate", rate);
  on("branch", branch);
  on("retry", (button) => again({ do: "retry", reply: idOf(button) }));
  on("resume", (button) => again({ do: "resume", reply: idOf(button) }));
}

const idOf = (button) => button.closest("article").dataset.id;
const refused = (told) => told.ok || composer.notice(told.message, told.advice);

async function again(what) {
  composer.notice("");
  const told = await composer.again(what);
  refused(told);
  return told.ok;
}

/** The message becomes a box to write in; what is sent is another version of it. */
function edit(article) {
  if (article.classList.contains("editing")) return $("textarea", article).focus();
  const words = $$('[data-key^="text"] .bubble', article).map((bubble) => bubble.textContent).join("\n\n");
  const box = document.createElement("div");
  box.className = "rewriting";
  box.innerHTML = `<form><textarea rows="1" aria-label="${t("Your message, to be changed")}"></textarea>
    <div><small>${t("What was said after it is kept with the earlier version.")}</small>
    <button type="button" class="plain">${t("Cancel")}</button><button class="plain strong">${t("Send")}</button></div></form>`;
  const [form, input] = [$("form", box), $("textarea", box)];
  input.value = words;
  const close = () => {
    box.remove();
    article.classList.remove("editing");
    $('[data-do="edit-said"]', article)?.focus();
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text === words.trim()) return close();
    const send = $(".strong", form);
    send.disabled = true;
    chat.toEnd();
    if (await again({ do: "edit", message: article.dataset.id, text })) close();
    send.disabled = false;
  });
  $("[type=button]", form).addEventListener("click", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    else if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    else form.requestSubmit();
    event.preventDefault(); // Escape stops no reply here, and Enter writes no line
  });
  article.classList.add("editing");
  article.append(box);
  input.focus();
  input.setSelectionRange(input.value.length, input.value.length);
}

async function select(button) {
  chat.hold(button.closest("article"), button.classList.contains("back") ? ".back" : ".on");
  refused(await order({ do: "select", conversation: conversations.id(), message: button.dataset.message }));
}

async function rate(button) {
  const rating = button.getAttribute("aria-pressed") === "true" ? 0 : Number(button.dataset.rating);
  refused(await order({ do: "rate", conversation: conversations.id(), reply: idOf(button), rating }));
}

async function branch(button) {
  const into = conversations.newId();
  const told = await order({ do: "branch", conversation: conversations.id(), reply: idOf(button), into });
  if (refused(told) === true) conversations.open(into, true);
}
