// Live tail: follows /v1/tail, shows the newest events first, and says what it leaves out.

import { make } from "./shell.js";

/** Rows that stay on the page. */
const KEPT = 500;
/** Rows that are added at a time, four times a second: more than anybody reads; the rest is counted. */
const SHOWN_AT_ONCE = 25;

const place = document.getElementById("tail");

if (place) {
  const [button, state, dropped, rows] = ["pause", "state", "dropped", "events"].map((id) => document.getElementById(id));
  const waiting = [];
  let isPaused = false;
  let byServer = 0;
  let byPage = 0;
  let total = 0;

  place.hidden = false;
  rows.closest("table").hidden = false;

  const first = (object, ...names) => names.map((name) => object?.[name]).find((value) => value !== undefined) ?? "";

  function row(event) {
    const outcome = event.outcome ?? "";
    const isBad = outcome === "failure" || outcome === "denied";
    const made = make("tr", isBad ? "attention fresh" : "fresh");
    made.dataset.row = "";
    const time = make("time", "", (event.time ?? "").slice(0, 19).replace("T", " "));
    time.dateTime = event.time ?? "";
    const link = make("a", "", event.action ?? "event");
    link.href = `/events/${event.index}`;
    const name = make("th", "what", link);
    name.scope = "row";
    made.append(
      make("td", "when", time), name, make("td", "who", first(event.actor, "name", "id", "email")),
      make("td", "on", first(event.resource, "name", "id")), make("td", "from", first(event.source, "name")),
      make("td", "how", ...(outcome ? [make("span", isBad ? "tag bad" : "tag", outcome)] : [])));
    return made;
  }

  function told() {
    const parts = [];
    if (byServer > 0) parts.push(`${byServer.toLocaleString("en")} events were left out by the server, because this browser read too slowly`);
    if (byPage > 0) parts.push(`${byPage.toLocaleString("en")} came faster than this page shows them`);
    dropped.textContent = parts.length ? parts.join("; ") + ". A search finds them." : "";
    dropped.hidden = parts.length === 0;
  }

  function show() {
    if (isPaused) {
      // What waits is bounded, too.
      if (waiting.length > KEPT) byPage += waiting.splice(0, waiting.length - KEPT).length;
      button.textContent = waiting.length ? `Resume (${waiting.length} waiting)` : "Resume";
      return told();
    }
    if (waiting.length === 0) return;
    if (waiting.length > SHOWN_AT_ONCE) byPage += waiting.splice(0, waiting.length - SHOWN_AT_ONCE).length;
    rows.prepend(...waiting.splice(0).reverse().map(row));
    while (rows.childElementCount > KEPT) rows.lastElementChild.remove();
    told();
  }

  function setPaused(value) {
    isPaused = value;
    button.setAttribute("aria-pressed", String(value));
    button.textContent = value ? "Resume" : "Pause";
    if (!value) show();
  }

  button.addEventListener("click", () => setPaused(!isPaused));
  // Who reads further down, or is on a row, does not want it to move.
  addEventListener("scroll", () => { if (scrollY > 120 && !isPaused) setPaused(true); }, { passive: true });
  rows.addEventListener("focusin", () => { if (!isPaused) setPaused(true); });
  setInterval(show, 250);

  const source = new EventSource(place.dataset.stream);
  source.addEventListener("open", () => { state.textContent = "Following. New events come first."; });
  source.addEventListener("message", (message) => {
    total += 1;
    try {
      waiting.push(JSON.parse(message.data));
    } catch {
      byPage += 1;
    }
  });
  source.addEventListener("dropped", (message) => {
    byServer += JSON.parse(message.data).dropped;
    told();
  });
  source.addEventListener("alert", (message) => {
    const alert = JSON.parse(message.data);
    const link = make("a", "", alert.details?.rule_title ?? "An alert opened");
    link.href = `/alerts/${encodeURIComponent(alert.resource)}`;
    const cell = make("td", "what", make("span", "tag bad", "alert"), " ", link);
    cell.colSpan = 6;
    const made = make("tr", "attention", cell);
    made.dataset.row = "";
    rows.prepend(made);
  });
  source.addEventListener("error", () => {
    state.textContent = source.readyState === EventSource.CLOSED
      ? "Ended by the server: your session may be over. Reload the page to go on."
      : "The connection broke; trying again …";
  });
}
