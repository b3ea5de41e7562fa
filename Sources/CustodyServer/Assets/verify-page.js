// The page /verify: a form around verify.js. What it remembers stays in this browser.

import { compare, forget, remember, remembered } from "./ledger-memory.js";
import { entries, toBase64, verifyPack } from "./verify.js";
import { judge, keyOf, readPolicy } from "./verify-policy.js";

/** Rows that are shown; all events are checked. */
const SHOWN = 500;
const SUMMARY = { 3: "time", 6: "source", 12: "action", 15: "outcome", 33: "actor", 40: "client" };

const element = (id) => document.getElementById(id);
const make = (name, text, type) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (type) made.className = type;
  return made;
};

/** One line that says what happened, from whatever is disclosed. */
function describe(groups) {
  const words = [];
  for (const [name, bytes] of Object.entries(groups)) {
    if (name === "raw") continue;
    try {
      for (const { field, value } of entries(bytes)) {
        if (!SUMMARY[field]) continue;
        const text = field === 3
          ? new Date(Number(new DataView(value.buffer, value.byteOffset, 8).getBigInt64(0) / 1000000n)).toISOString()
          : new TextDecoder().decode(value);
        words.push(`${SUMMARY[field]}: ${text}`);
      }
    } catch {
      words.push(`${name}: cannot be shown`);
    }
  }
  return words.join(" · ");
}

function facts(pairs) {
  const list = element("facts");
  list.replaceChildren();
  for (const [name, value] of pairs) list.append(make("dt", name), make("dd", value));
}

function list(id, title, texts) {
  const place = element(id);
  place.replaceChildren();
  if (texts.length === 0) return;
  const items = make("ul");
  for (const text of texts) items.append(make("li", text));
  place.append(make("h3", title), items);
}

function gaps(coverage) {
  const texts = [];
  if (coverage.since || coverage.until) {
    texts.push(`events before ${coverage.since ?? "the beginning"} and from ${coverage.until ?? "the end"} on`);
  }
  if (coverage.not_under_checkpoint) texts.push(`${coverage.not_under_checkpoint} hits that no checkpoint covered yet`);
  if (coverage.truncated) texts.push("hits after the last one here: the pack ended at its limit");
  if (coverage.restricted) texts.push("events that the exporter may not see");
  if (coverage.own_audit_left_out) texts.push("what people did with Custody itself (source:custody)");
  if (coverage.destroyed) texts.push(`${coverage.destroyed} hits that were destroyed, in part or as a whole`);
  if (coverage.withheld_groups?.length) texts.push(`the groups ${coverage.withheld_groups.join(", ")}, shown by their hashes alone`);
  if (coverage.silent_sources?.length) texts.push(`sources without any event in the period: ${coverage.silent_sources.join(", ")}`);
  return texts;
}

function table(events, total) {
  const place = element("events");
  place.replaceChildren();
  if (events.length === 0) return;
  const rows = make("tbody");
  for (const event of events) {
    const row = make("tr", undefined, event.error ? "bad" : "");
    row.append(
      make("td", event.error ? "altered" : "verified", "state"), make("td", `line ${event.line}`),
      make("td", `event ${event.index ?? "?"}`, "mono"), make("td", event.error ?? describe(event.groups)));
    rows.append(row);
  }
  const head = make("thead");
  const names = make("tr");
  for (const name of ["", "Place", "Leaf", "What was sealed"]) names.append(make("th", name));
  head.append(names);
  const whole = make("table", undefined, "rows");
  whole.append(head, rows);
  place.append(make("h3", "Events"), whole);
  if (total > events.length) place.append(make("p", `${total - events.length} more were checked and are not listed.`, "note"));
}

const counted = (events) => `${events} event${events === 1 ? "" : "s"}`;

function verdict(text, type) {
  element("verdict").textContent = text;
  element("verdict").className = "notice " + type;
  element("result").hidden = false;
  element("result").focus();
}

/** The key of the policy's log that the file says it is of. */
async function keyOfPack(policy) {
  const first = (await element("file").files[0].slice(0, 1 << 20).text()).split("\n", 1)[0];
  try {
    return keyOf(policy, JSON.parse(first).checkpoint.split("\n", 1)[0]);
  } catch {
    // Not a pack: verification says so.
    return "";
  }
}

function cosigners(checkpoint, policy, cosigned) {
  if (policy) {
    if (cosigned.length === 0) return policy.quorum === null ? "nobody, and the policy asks for nobody" : "no quorum";
    return cosigned.map(({ name, time }) => `${name} at ${time.toISOString()}`).join(", ");
  }
  const names = checkpoint.signatures.map(({ name }) => name);
  return names.length ? `${names.join(", ")} (names only; give a policy to have them checked)` : "nobody";
}

async function run() {
  for (const id of ["facts", "problems", "gaps", "events"]) element(id).replaceChildren();
  const bytes = new Uint8Array(await element("file").files[0].arrayBuffer());
  const shown = [];
  let total = 0;
  let result;
  let policy = null;
  try {
    const text = element("policy").value;
    if (text.trim()) policy = await readPolicy(text);
    const trusted = element("vkey").value.trim() || (policy ? await keyOfPack(policy) : "");
    result = await verifyPack(bytes, trusted, (event) => {
      total += 1;
      // What is wrong is listed however many right ones stand before it.
      if (shown.length < SHOWN || event.error) shown.push(event);
    });
  } catch (error) {
    return verdict(`Not verified: ${error.message}`, "bad");
  }
  const { checkpoint, key } = result;
  const memory = remembered(checkpoint.origin);
  const problems = result.errors.map((error) => error.message);
  let seen = "";
  let cosigned = [];
  if (policy) {
    try {
      cosigned = await judge(policy, checkpoint, key);
    } catch (error) {
      problems.push(error.message);
    }
  }
  try {
    if (memory && memory.vkey !== key.text) throw new Error("this ledger had another key when it was remembered here");
    seen = await compare(checkpoint, memory);
  } catch (error) {
    problems.push(error.message);
  }
  if (problems.length > 0) {
    verdict(`Altered: ${problems.length === 1 ? "one thing is" : `${problems.length} things are`} wrong`, "bad");
  } else if (result.isTrusted) {
    verdict(`Verified: ${counted(result.verified)}`, "good");
    if (element("remember").checked) remember(checkpoint, key, memory);
  } else {
    verdict(`Self-consistent only: ${counted(result.verified)}, by the file's own key, for which nobody vouches`, "warn");
  }
  facts([
    ["Ledger", checkpoint.origin], ["Checkpoint", `${checkpoint.size} leaves`], ["Root", toBase64(checkpoint.root)],
    ["Cosigned by", cosigners(checkpoint, policy, cosigned)],
    ["Query", result.query], ["Made", result.created], ["Seen before", seen || "see below"],
  ]);
  list("problems", "Wrong", problems.slice(0, SHOWN));
  list("gaps", "Not covered, as the exporter states", gaps(result.coverage));
  table(shown, total);
}

element("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter ?? element("form").querySelector("button");
  button.disabled = true;
  try {
    await run();
  } finally {
    button.disabled = false;
  }
});

// A remembered key is offered for the file's ledger, never the file's own.
element("file").addEventListener("change", async () => {
  const file = element("file").files[0];
  if (!file || element("vkey").value.trim()) return;
  try {
    const first = (await file.slice(0, 1 << 20).text()).split("\n", 1)[0];
    const memory = remembered(JSON.parse(first).checkpoint.split("\n", 1)[0]);
    if (memory) {
      element("vkey").value = memory.vkey;
      element("vkey-note").textContent = "The key that was remembered for this ledger.";
    }
  } catch {
    // Not a pack: verification says so.
  }
});

element("forget").addEventListener("click", () => {
  element("vkey-note").textContent = forget() ? "Forgotten." : "Nothing was remembered.";
});
