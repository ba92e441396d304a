// Who is here, where that is worth a line: a user who can log out, a guest whose browser keeps no cookie.

import { $, escape, ready } from "./dom.js";
import { t } from "./words.js";

const settings = window.parleyLogin ?? {};
if (settings.asked || settings.account || window.parleyGuest) await show();

async function show() {
  const [answer] = await Promise.all([fetch("/parley/me"), ready("#parley-account > div")]);
  if (!answer.ok) return;
  const { name, session, guest } = await answer.json();
  const box = $("#parley-account > div");
  if (session) box.innerHTML = `<form method="post" action="/logout">
    <span>${escape(name || t("Logged in"))}</span><button class="plain">${t("Log out")}</button></form>`;
  else if (settings.account) box.innerHTML =
    `<a class="plain" href="/login/huggingface">${t("Sign in with Hugging Face")}</a>`;
  if (guest) box.insertAdjacentHTML("afterbegin", `<p role="status">
    ${t("Your browser keeps no cookie for this page. You can chat, but nothing is remembered, no files are taken, and a reload begins anew.")}
    <a href="/" target="_blank" rel="noopener">${t("Open Parley in its own tab")}</a></p>`);
}
