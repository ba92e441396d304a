// What the scripts say, in the reader's language; components/words.py has the words, Gradio brings them.

const LANGUAGES = ["en", "de", "es", "fr", "ja", "zh"];
const COOKIE = "parley-language";

const cookie = () => document.cookie.split("; ").find((pair) => pair.startsWith(`${COOKIE}=`))?.split("=")[1];
const ours = (tag) => LANGUAGES.find((name) => name === tag.toLowerCase().split("-")[0]);

/** Chosen here, "" where the browser decides. */
export const chosen = () => (LANGUAGES.includes(cookie()) ? cookie() : "");
export const language = chosen() || (navigator.languages ?? []).map(ours).find(Boolean) || "en";
/** How numbers and times are written: as the browser says for that language, or as the language itself does. */
export const locale = (navigator.languages ?? []).find((tag) => ours(tag) === language) ?? language;
const words = window.gradio_config?.i18n_translations?.[language] ?? {};

/** `english` in the reader's language, its {holes} filled. */
export const t = (english, values = {}) =>
  (words[english] ?? english).replace(/\{(\w+)\}/g, (hole, name) => values[name] ?? hole);

/** Speak `name` from now on, or "" for what the browser asks for; the page is loaded anew. */
export function choose(name) {
  const lasting = name ? `${name}; Max-Age=31536000` : "; Max-Age=0";
  const where = location.protocol === "https:" ? "SameSite=None; Secure; Partitioned" : "SameSite=Lax";
  document.cookie = `${COOKIE}=${lasting}; Path=/; ${where}`;
  location.reload();
}

/** Gradio drew the page as the browser asks for it; where another language was chosen, draw it in that. */
export function redraw() {
  document.documentElement.lang = language;
  if (!chosen()) return;
  for (const [name, html] of Object.entries(words)) {
    const place = name.startsWith("#") && document.querySelector(name);
    if (!place) continue;
    const field = place.querySelector(":scope textarea");
    const inner = place.querySelector(".html-container > div");
    if (place.matches("button")) place.textContent = html;
    else if (place.id === "parley-speak") place.querySelector("label span").textContent = html;
    else if (place.id === "parley-input") field.placeholder = html;
    else if (inner) inner.innerHTML = html;
  }
}
