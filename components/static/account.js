// Who is here, where that is worth a line: a user who can log out and may have chatted here before they
// logged in, a guest whose browser keeps no cookie.

import { $, escape, on, ready } from "./dom.js";
import { t } from "./words.js";

const settings = window.parleyLogin ?? {};
if (settings.asked || settings.account || window.parleyGuest) await show();

async function show() {
  const [answer] = await Promise.all([fetch("/parley/me"), ready("#parley-account [data-pane]")]);
  if (!answer.ok) return;
  const { name, session, guest, before } = await answer.json();
  const box = $("#parley-account [data-pane]");
  if (session) box.innerHTML = `<form method="post" action="/logout">
    <span>${escape(name || t("Logged in"))}</span><button class="plain">${t("Log out")}</button></form>`;
  else if (settings.account) box.innerHTML =
    `<a class="plain" href="/login/huggingface">${t("Sign in with Hugging Face")}</a>`;
  if (before) box.insertAdjacentHTML("afterbegin", `<p class="before" role="status">
    <span>${t("Chats from before you logged in: {n}", { n: before })}</span>
    <button type="button" class="plain" data-do="bring-before">${t("Bring them here")}</button></p>`);
  if (guest) box.insertAdjacentHTML("afterbegin", `<p role="status">
    ${t("Your browser keeps no cookie for this page. You can chat, but nothing is remembered, no files are taken, and a reload begins anew.")}
    <a href="/" target="_blank" rel="noopener">${t("Open Parley in its own tab")}</a></p>`);
}

on("bring-before", async (button) => {
  const line = button.closest("p");
  button.disabled = true;
  const answer = await fetch("/parley/me/before", { method: "POST" }).catch(() => null);
  const { message, advice } = (await answer?.json().catch(() => null)) ?? {};
  if (answer?.ok) line.textContent = t("They are here now.");
  else {
    line.querySelector("span").textContent = message ? `${message} ${advice}` : t("Parley cannot be reached.");
    button.disabled = false;
  }
});
