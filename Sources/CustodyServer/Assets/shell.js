// What all pages share: the theme's button, single keys, times in words that stay right.

const root = document.documentElement;

/** Says something to screen readers without moving anybody. */
export function say(text) {
  const place = document.getElementById("said");
  place.textContent = "";
  requestAnimationFrame(() => { place.textContent = text; });
}

/** Makes an element with a class and text, or other elements, inside. Text never becomes markup. */
export function make(name, type, ...inside) {
  const made = document.createElement(name);
  if (type) made.className = type;
  made.append(...inside.filter((part) => part !== undefined && part !== null));
  return made;
}

/** What forms of this session carry. */
export const formToken = () => document.querySelector('meta[name="form-token"]')?.content ?? "";

// MARK: Theme

const themes = ["", "light", "dark"];
const themeNames = { "": "as the system", light: "light", dark: "dark" };
const themeButton = document.getElementById("theme");

function showTheme() {
  const theme = root.dataset.theme ?? "";
  themeButton.lastElementChild.textContent = `Theme: ${themeNames[theme]}`;
  themeButton.title = `Theme: ${themeNames[theme]}`;
}

themeButton.hidden = false;
showTheme();
themeButton.addEventListener("click", () => {
  const next = themes[(themes.indexOf(root.dataset.theme ?? "") + 1) % themes.length];
  if (next) root.dataset.theme = next;
  else delete root.dataset.theme;
  document.cookie = `custody_theme=${next}; path=/; max-age=${next ? 31536000 : 0}; samesite=strict`;
  showTheme();
  say(`Theme: ${themeNames[next]}`);
});

// MARK: Keys

const rows = () => [...document.querySelectorAll("[data-row]")];

/** Moves the focus to the next or previous row that can be opened. */
function move(step) {
  const all = rows();
  if (all.length === 0) return;
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step));
  const target = all[next].querySelector("a, button, summary") ?? all[next];
  target.focus();
  target.scrollIntoView({ block: "nearest" });
}

/** Follows a link, or focuses what else the page names for a key. */
function use(key) {
  const target = document.querySelector(`[data-key="${key}"]`);
  if (!target) return false;
  target.focus();
  if (target.matches("a, button, summary")) target.click();
  return true;
}

const isTyping = (target) => target.closest?.("input, textarea, select, [contenteditable]") !== null;

addEventListener("keydown", (event) => {
  if (root.dataset.keys === "off" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  switch (event.key) {
    case "j": move(1); break;
    case "k": move(-1); break;
    case "?": document.getElementById("help").showModal(); break;
    case "/": if (!use("/")) location.assign("/search"); break;
    case "t": if (!use("t")) location.assign("/tail"); break;
    case "e": case "p": case "a": case "x": if (!use(event.key)) return; break;
    default: return;
  }
  event.preventDefault();
});

// MARK: Forms that take a while

for (const form of document.querySelectorAll("form")) {
  const button = form.querySelector("button[data-busy]");
  if (!button) continue;
  const text = button.textContent;
  form.addEventListener("submit", () => {
    // After the form has gathered what it sends.
    setTimeout(() => {
      button.disabled = true;
      button.textContent = button.dataset.busy;
      say(button.dataset.busy);
    });
  });
  // A page that the browser had kept is shown as it was left.
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    button.disabled = false;
    button.textContent = text;
  });
}

// MARK: Times

const units = [[86400, "day"], [3600, "hour"], [60, "minute"]];

/** `3 minutes ago`, as the server writes it. */
export function distance(moment, now = Date.now()) {
  const seconds = Math.floor((now - moment) / 1000);
  if (Math.abs(seconds) < 2) return "now";
  const [size, name] = units.find(([size]) => Math.abs(seconds) >= size) ?? [1, "second"];
  const count = Math.floor(Math.abs(seconds) / size);
  const words = `${count} ${name}${count === 1 ? "" : "s"}`;
  return seconds < 0 ? `in ${words}` : `${words} ago`;
}

setInterval(() => {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    time.textContent = distance(Date.parse(time.dateTime));
  }
}, 15000);
