// The page /integrity: checks the ledger with the key and the checkpoint that this browser remembers.

import { compare, forget, pin, remember, remembered } from "./ledger-memory.js";
import { make } from "./shell.js";
import { openCheckpoint, readKey, toBase64 } from "./verify.js";

const element = (id) => document.getElementById(id);
const place = element("pin");
const { origin, vkey } = place.dataset;

function verdict(type, title, ...lines) {
  element("verdict").replaceChildren(make("p", `notice ${type}`, title), ...lines.map((line) => make("p", "note", line)));
}

function facts(pairs) {
  element("remembered").replaceChildren(
    ...pairs.flatMap(([name, value, type]) => [make("dt", "", name), make("dd", type ?? "", value)]));
}

/** Shows what is remembered, and what can be done. */
function show() {
  const memory = remembered(origin);
  element("pin-form").hidden = Boolean(memory);
  element("check").hidden = !memory;
  element("forget").hidden = !memory;
  if (!memory) return facts([]);
  facts([
    ["Key", memory.vkey, "mono"],
    ["Last checkpoint", memory.size ? `${Number(memory.size).toLocaleString("en")} leaves` : "none yet"],
    ...(memory.seen ? [["Seen", memory.seen.slice(0, 19).replace("T", " ") + " UTC"]] : []),
    ...(memory.root ? [["Root", memory.root, "mono"]] : []),
  ]);
}

async function check() {
  const memory = remembered(origin);
  if (!memory) return;
  if (memory.vkey !== vkey) {
    return verdict("bad", "The server shows another verifier key than the one that this browser remembers.",
      "The ledger's key was changed or the server was replaced. Ask who runs it, and compare with the key that was written down, before you forget the old one.");
  }
  const key = await readKey(memory.vkey);
  const answer = await fetch("/ledger/checkpoint", { cache: "no-store" });
  if (!answer.ok) return verdict("warn", "Not checked: there is no checkpoint yet.");
  const checkpoint = await openCheckpoint(await answer.text(), key);
  const seen = await compare(checkpoint, memory);
  if (seen.startsWith("not compared")) return verdict("warn", "Signed, but not compared with what was seen before.", seen);
  remember(checkpoint, key, memory);
  const cosigners = checkpoint.signatures.map(({ name }) => name);
  verdict("good", `Checked: ${Number(checkpoint.size).toLocaleString("en")} leaves, signed with the remembered key, ${seen}.`,
    `Root ${toBase64(checkpoint.root)}`, cosigners.length ? `Cosigned by ${cosigners.join(", ")} (names only).` : "Cosigned by nobody.");
  show();
}

async function run() {
  try {
    await check();
  } catch (error) {
    verdict("bad", `This does not verify: ${error.message}.`,
      "If the browser remembers a checkpoint that this server does not extend, history was rewritten, or a backup was restored that is older than what you saw.");
  }
}

if (globalThis.crypto?.subtle) {
  place.hidden = false;
  show();
  element("pin-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const key = await readKey(element("vkey").value);
      if (key.name !== origin) throw new Error(`this key is of ${key.name}, not of ${origin}`);
      pin(origin, key);
      show();
      await run();
    } catch (error) {
      verdict("bad", `Not remembered: ${error.message}.`);
      element("vkey").focus();
    }
  });
  element("take").addEventListener("click", () => {
    element("vkey").value = vkey;
    verdict("warn", "This is what the server says of itself. Compare it with what was written down, then remember it.");
    element("vkey").focus();
  });
  element("check").addEventListener("click", run);
  element("forget").addEventListener("click", () => {
    forget(origin);
    verdict("warn", "Forgotten. Until a key is remembered again, nothing here is checked.");
    show();
  });
  if (remembered(origin)) run();
  else verdict("warn", "This browser does not know the ledger's key yet.");
} else {
  place.hidden = false;
  element("pin-form").hidden = true;
  verdict("warn", "This browser checks only over TLS or on the server itself (a secure context).");
}
