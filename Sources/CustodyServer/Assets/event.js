// The page of an event: verifies it with what this browser remembers of the ledger.

import { compare, remember, remembered } from "./ledger-memory.js";
import { formToken, make } from "./shell.js";
import { entries, readKey, verifyPack } from "./verify.js";

const button = document.getElementById("verify");
const place = document.getElementById("verdict");

function verdict(type, title, ...lines) {
  place.replaceChildren(make("p", `notice ${type}`, title), ...lines.map((line) => make("p", "note", line)));
  place.focus();
}

/** Fields of the sealed form that the page shows as text, by number (docs/format/event.md), and where. */
const SHOWN = { 6: "source.name", 12: "action", 15: "outcome", 33: "actor.name", 40: "client.ip", 50: "resource.name" };

/** What the page says of a field. */
function shown(path) {
  for (const term of document.querySelectorAll(".fields dt")) {
    if (term.textContent === path) return term.nextElementSibling.querySelector(".mono").textContent;
  }
  return null;
}

/** Fields whose sealed value is not what this page shows. */
function differences(groups) {
  const wrong = [];
  const seen = new Set();
  for (const [name, bytes] of Object.entries(groups)) {
    if (name === "raw") continue;
    for (const { field, value } of entries(bytes)) {
      const path = SHOWN[field];
      if (!path || path === "client.ip" || seen.has(path)) continue;
      seen.add(path);
      if (shown(path) !== new TextDecoder().decode(value)) wrong.push(path);
    }
  }
  return wrong;
}

async function verify() {
  const index = Number(button.dataset.index);
  const origin = button.dataset.vkey.split("+", 1)[0];
  const memory = remembered(origin);
  const key = memory?.vkey ?? "";
  if (key && key !== button.dataset.vkey) {
    return verdict("bad", "This server shows another verifier key than the one that this browser remembers for the ledger.",
      "Somebody replaced the ledger's key, or the server. Look at Integrity before you believe anything here.");
  }
  const answer = await fetch("/v1/export", {
    method: "POST", headers: { "Content-Type": "application/json", "X-Custody-Form-Token": formToken() },
    body: JSON.stringify({ q: `index:${index} source.name:*`, since: "1678-01-01", limit: 1 }),
  });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    return verdict("bad", `Not verified: ${problem.detail ?? `the server answered ${answer.status}`}`);
  }
  let event = null;
  const result = await verifyPack(new Uint8Array(await answer.arrayBuffer()), key, (found) => { event = found; });
  const problems = result.errors.map((error) => error.message);
  if (event === null) problems.push("the pack does not hold this event");
  else if (event.index !== index) problems.push(`the pack holds event ${event.index} instead`);
  else if (!event.error) {
    const wrong = differences(event.groups);
    if (wrong.length > 0) problems.push(`this page shows something else than what was sealed: ${wrong.join(", ")}`);
  }
  let seen = "";
  try {
    seen = await compare(result.checkpoint, memory);
  } catch (error) {
    problems.push(error.message);
  }
  if (problems.length > 0) return verdict("bad", "Altered: this does not verify.", ...problems);
  if (!result.isTrusted) {
    return verdict("warn", "Self-consistent only: verified with the server's own key, for which this browser has nobody's word.",
      "Let the browser remember the key first, under Integrity.");
  }
  remember(result.checkpoint, await readKey(key), memory);
  verdict("good", `Verified: leaf ${index} of ${result.checkpoint.size}, signed with the key that this browser remembers.`, `${seen[0].toUpperCase()}${seen.slice(1)}.`);
}

if (button && globalThis.crypto?.subtle) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await verify();
    } catch (error) {
      verdict("bad", `Not verified: ${error.message}`);
    } finally {
      button.disabled = false;
    }
  });
}

if (button && !globalThis.crypto?.subtle) {
  place.append(make("p", "note", "This browser verifies only over TLS or on the server itself (a secure context)."));
}
