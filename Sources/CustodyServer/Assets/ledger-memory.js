// What this browser remembers of ledgers: the verifier key and the checkpoint that it saw last. Later checkpoints have to
// be signed with that key and to extend that checkpoint.

import { fromBase64, tilePath, toBase64, verifyConsistency } from "./verify.js";

const STORAGE = "custody.verify/";

/** What is remembered of a ledger; null for one that was not seen here. */
export function remembered(origin) {
  try {
    return JSON.parse(localStorage.getItem(STORAGE + origin));
  } catch {
    return null;
  }
}

/** Remembers a key before any checkpoint was seen. */
export function pin(origin, key) {
  localStorage.setItem(STORAGE + origin, JSON.stringify({ vkey: key.text }));
}

/** Remembers a checkpoint, unless a larger one was seen. */
export function remember(checkpoint, key, memory) {
  if (memory?.size && BigInt(memory.size) >= checkpoint.size) return;
  localStorage.setItem(
    STORAGE + checkpoint.origin,
    JSON.stringify({ vkey: key.text, size: String(checkpoint.size), root: toBase64(checkpoint.root), seen: new Date().toISOString() }));
}

/** Forgets one ledger, or all. Returns how many were known. */
export function forget(origin) {
  const keys = Object.keys(localStorage).filter(
    (key) => (origin ? key === STORAGE + origin : key.startsWith(STORAGE)));
  for (const key of keys) localStorage.removeItem(key);
  return keys.length;
}

/** A hash tile of this server's ledger. */
export async function fetchTile(level, index, width) {
  const answer = await fetch("/ledger/" + tilePath(level, index, width));
  if (!answer.ok) throw new TypeError(`the server answered ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** Compares with the checkpoint that was seen last. Returns what to say, or throws when the ledger was rewritten. */
export async function compare(checkpoint, memory) {
  if (!memory?.size) return "this ledger was not seen on this device before";
  const older = { size: BigInt(memory.size), root: fromBase64(memory.root) };
  const same = () => toBase64(checkpoint.root) === memory.root;
  if (older.size === checkpoint.size) {
    if (!same()) throw new Error("this ledger had another root at the same size when it was seen here: it was forked");
    return "the same checkpoint as was seen here before";
  }
  const [first, second] = older.size < checkpoint.size ? [older, checkpoint] : [checkpoint, older];
  try {
    const served = await fetch("/ledger/checkpoint");
    if (!served.ok || !(await served.text()).startsWith(checkpoint.origin + "\n")) throw new TypeError("another ledger");
    await verifyConsistency(first, second, fetchTile);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return `not compared with the checkpoint of ${older.size} leaves that was seen here: no server of this ledger answers from this page`;
  }
  return `consistent with the checkpoint of ${older.size} leaves that was seen here before`;
}
