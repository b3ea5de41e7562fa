// The page of a source: copying what a step needs, a test delivery, what arrives as it arrives, the first alert.

import "./copy.js";
import { formToken, make, say } from "./shell.js";

// MARK: Deliveries

const place = document.getElementById("connecting");
const list = document.getElementById("deliveries");
const waiting = document.getElementById("waiting");
/** How long the page asks by itself: whoever connects a source for longer reloads it. */
const PATIENCE = 30 * 60 * 1000;
const begun = Date.now();
let shown = "";
let newest = list.querySelector("time")?.dateTime;

function delivery(attempt) {
  const time = make("time", "", new Date(attempt.received).toLocaleTimeString("en-GB", { timeZone: "UTC" }) + " UTC");
  time.dateTime = attempt.received;
  const head = make("p", "", time);
  if (attempt.client) head.append(" from ", make("span", "mono", attempt.client));
  if (attempt.first_index !== undefined) {
    const link = make("a", "", `event ${attempt.first_index}`);
    link.href = `/events/${attempt.first_index}`;
    head.append(" · ", link);
  }
  const stages = make("ol", "stages", ...attempt.stages.map((stage) =>
    make("li", stage.state, make("strong", "", stage.stage), " ", make("span", "", stage.detail))));
  return make("li", "", head, stages);
}

async function look() {
  const answer = await fetch(place.dataset.activity, { headers: { accept: "application/json" } });
  if (!answer.ok) {
    waiting.textContent = answer.status === 401
      ? "Your session is over: reload the page to sign in again."
      : `What arrives cannot be shown now (${answer.status}); trying again.`;
    return;
  }
  const { deliveries } = await answer.json();
  // What has not changed stays, and with it the focus of who goes through it by keys.
  const text = JSON.stringify(deliveries);
  if (text !== shown) {
    shown = text;
    list.replaceChildren(...deliveries.map(delivery));
  }
  if (deliveries.length === 0) return;
  waiting.textContent = "The latest deliveries since the server's start, the newest first.";
  if (deliveries[0].received !== newest) {
    newest = deliveries[0].received;
    const failed = deliveries[0].stages.find((stage) => stage.state === "failed");
    say(failed ? `A delivery failed: ${failed.detail}` : "A delivery arrived");
  }
}

async function follow() {
  if (!document.hidden) {
    try {
      await look();
    } catch {
      waiting.textContent = "The server cannot be reached; trying again.";
    }
  }
  if (Date.now() - begun < PATIENCE) setTimeout(follow, 2000);
  else waiting.textContent = "This page has stopped asking. Reload it to go on.";
}
follow();

const test = document.getElementById("test");
test?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = test.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch(place.dataset.test, {
      method: "POST", headers: { "x-custody-form-token": formToken(), accept: "application/json" },
    });
    if (!answer.ok) {
      const problem = await answer.json().catch(() => ({}));
      waiting.textContent = problem.detail ?? `The test was not sent (${answer.status}).`;
    }
    await look();
  } catch {
    waiting.textContent = "The server cannot be reached.";
  } finally {
    button.disabled = false;
  }
});

// MARK: The first alert

const raised = document.getElementById("raised");
if (raised) {
  const state = document.getElementById("alert-wait");
  const stream = new EventSource(place.dataset.stream);
  stream.addEventListener("open", () => { state.textContent = "Waiting for it."; });
  stream.addEventListener("error", () => { state.textContent = "Not following now: reload the page."; });
  stream.addEventListener("message", async (message) => {
    const id = JSON.parse(message.data).resource?.name;
    const answer = await fetch(`/v1/alerts/${encodeURIComponent(id)}`, { headers: { accept: "application/json" } });
    if (!answer.ok) return;
    const alert = await answer.json();
    if (alert.source_name !== place.dataset.source) return;
    const link = make("a", "", alert.title);
    link.href = `/alerts/${encodeURIComponent(id)}`;
    raised.prepend(make("li", "", link, `: ${alert.entity}`));
    state.textContent = "An alert came:";
    say("An alert came");
  });
}
