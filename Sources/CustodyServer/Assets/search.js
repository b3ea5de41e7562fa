// The search page: completion in the query's box, arrow keys and a drawn span in the histogram, excluding by Shift.

import { say } from "./shell.js";

const box = document.getElementById("q");
const list = document.getElementById("candidates");

// MARK: Completion

/** Requests for completions: the last one only counts. */
let asked = 0;
let replaced = [0, 0];
let chosen = -1;

function close() {
  list.hidden = true;
  chosen = -1;
  box.setAttribute("aria-expanded", "false");
  box.removeAttribute("aria-activedescendant");
}

function choose(place) {
  chosen = place;
  [...list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === place)));
  if (place < 0) return box.removeAttribute("aria-activedescendant");
  box.setAttribute("aria-activedescendant", list.children[place].id);
  list.children[place].scrollIntoView({ block: "nearest" });
}

function open(candidates) {
  list.replaceChildren(...candidates.map((text, at) => {
    const item = document.createElement("li");
    item.id = `candidate-${at}`;
    item.setAttribute("role", "option");
    item.textContent = text;
    item.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      take(text);
    });
    return item;
  }));
  list.hidden = candidates.length === 0;
  box.setAttribute("aria-expanded", String(!list.hidden));
  choose(-1);
}

/** Puts a candidate into the box, and goes on behind it. */
function take(text) {
  const characters = [...box.value];
  const before = characters.slice(0, replaced[0]).join("") + text;
  const after = characters.slice(replaced[1]).join("");
  const ends = text.endsWith(":") || text.endsWith(".") || after.startsWith(" ");
  box.value = before + (ends ? "" : " ") + after;
  const place = before.length + (ends ? 0 : 1);
  box.setSelectionRange(place, place);
  close();
  if (text.endsWith(":")) ask();
}

async function ask() {
  const number = ++asked;
  const at = [...box.value.slice(0, box.selectionStart)].length;
  if (box.value.trim() === "") return close();
  try {
    const answer = await fetch(`/v1/complete?q=${encodeURIComponent(box.value)}&at=${at}`);
    if (!answer.ok || number !== asked || document.activeElement !== box) return;
    const { from, to, candidates } = await answer.json();
    replaced = [from, to];
    open(candidates.slice(0, 12));
  } catch {
    // Without completion the box is still a box.
  }
}

box.setAttribute("role", "combobox");
box.setAttribute("aria-autocomplete", "list");
box.setAttribute("aria-controls", "candidates");
box.setAttribute("aria-expanded", "false");
let pause;
box.addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(ask, 80);
});
box.addEventListener("blur", close);
box.addEventListener("keydown", (event) => {
  const count = list.children.length;
  if (event.key === "Escape" && !list.hidden) {
    event.preventDefault();
    return close();
  }
  if (list.hidden || count === 0) {
    if (event.key === "ArrowDown") ask();
    return;
  }
  switch (event.key) {
    case "ArrowDown": choose((chosen + 1) % count); break;
    case "ArrowUp": choose(chosen <= 0 ? count - 1 : chosen - 1); break;
    case "Tab": case "Enter":
      // Enter without a choice searches; Tab without one leaves the box, as everywhere.
      if (chosen < 0) return close();
      take(list.children[chosen].textContent);
      break;
    default: return;
  }
  event.preventDefault();
});

// MARK: Histogram

const figure = document.getElementById("histogram");

if (figure) {
  const svg = figure.querySelector("svg");
  const bars = [...svg.querySelectorAll("a")];
  svg.addEventListener("keydown", (event) => {
    const at = bars.indexOf(document.activeElement);
    const steps = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: bars.length - 1 };
    if (at < 0 || !(event.key in steps)) return;
    event.preventDefault();
    const next = bars[Math.min(bars.length - 1, Math.max(0, steps[event.key]))];
    bars[at].setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  });

  // A span that is drawn with the pointer; the fields under "From, to" do the same.
  const width = Number(figure.dataset.width);
  const bucket = (event) => {
    const box = svg.getBoundingClientRect();
    return Math.min(width - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * width)));
  };
  const mark = document.createElementNS(svg.namespaceURI, "rect");
  mark.setAttribute("class", "drawn");
  mark.setAttribute("height", "100");
  let from = null;
  const draw = (to) => {
    mark.setAttribute("x", Math.min(from, to));
    mark.setAttribute("width", Math.abs(to - from) + 1);
    if (!mark.isConnected) svg.append(mark);
  };
  svg.addEventListener("pointerdown", (event) => { if (event.button === 0) from = bucket(event); });
  svg.addEventListener("pointermove", (event) => {
    if (from === null || event.buttons === 0) return;
    if (bucket(event) !== from || mark.isConnected) draw(bucket(event));
  });
  svg.addEventListener("dragstart", (event) => event.preventDefault());
  addEventListener("pointerup", (event) => {
    if (from === null) return;
    const [start, to] = [from, bucket(event)];
    from = null;
    if (!mark.isConnected) return;
    mark.remove();
    const origin = Date.parse(figure.dataset.from);
    const span = Number(figure.dataset.span) * 1000;
    const address = new URL(location.href);
    address.searchParams.set("since", new Date(origin + Math.min(start, to) * span).toISOString());
    address.searchParams.set("until", new Date(origin + (Math.max(start, to) + 1) * span).toISOString());
    address.searchParams.delete("cursor");
    location.assign(address);
  });
  // What was drawn is no click on the bar under it.
  svg.addEventListener("click", (event) => { if (mark.isConnected) event.preventDefault(); }, true);
}

// MARK: Facets

const facets = document.getElementById("facets");
if (facets && matchMedia("(max-width: 60rem)").matches) facets.open = false;
facets?.addEventListener("click", (event) => {
  const link = event.target.closest("a.include");
  const other = link?.parentElement.querySelector("a.exclude");
  if (!event.shiftKey || !other) return;
  event.preventDefault();
  location.assign(other.href);
});

if (document.querySelector("table.events")) {
  const note = document.getElementById("ask-note").textContent.trim();
  if (note) say(note);
}
