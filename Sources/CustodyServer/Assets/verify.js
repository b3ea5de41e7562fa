// Verifies evidence packs (docs/format/evidence.md) with nothing but WebCrypto: no server is asked, nothing is sent.
// Runs in browsers and in Node 20 or later.

const FORMAT = "custody-evidence/2";
const GROUPS = ["envelope", "actor", "network", "resource", "text", "raw"];
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** What is wrong, and in which line (from 1). */
export class EvidenceError extends Error {
  constructor(line, reason) {
    super(`line ${line}: ${reason}`);
    this.line = line;
    this.reason = reason;
  }
}

// MARK: Bytes

const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", join(parts)));

function join(parts) {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const equal = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);

/** Base64 in its one canonical spelling; a second one would be bits that nothing covers. */
export function fromBase64(text) {
  if (typeof text !== "string") throw new Error("not base64");
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  if (toBase64(bytes) !== text) throw new Error("not canonical base64");
  return bytes;
}

export function toBase64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(text);
}

function bigEndian(value, size) {
  const bytes = new Uint8Array(size);
  for (let at = size - 1, rest = BigInt(value); at >= 0; at--, rest >>= 8n) bytes[at] = Number(rest & 255n);
  return bytes;
}

// MARK: Notes

/** A C2SP verifier key: name+hash+base64(type ‖ public key), of a log (type 1) or a witness (type 4). */
export async function readKey(text, type = 1) {
  const match = /^([^+\s]+)\+([0-9a-f]{8})\+(.+)$/.exec(text.trim());
  if (!match) throw new Error("this is no verifier key: NAME+HASH+KEY");
  const [, name, hash, encoded] = match;
  let key;
  try {
    key = fromBase64(encoded);
  } catch {
    throw new Error("the key's last part is not base64");
  }
  if (key.length !== 33 || key[0] !== type) throw new Error("the key is not an Ed25519 key");
  const id = (await sha256(encoder.encode(name + "\n"), key)).subarray(0, 4);
  if ([...id].map((byte) => byte.toString(16).padStart(2, "0")).join("") !== hash) {
    throw new Error("the key's hash is not that of its name and bytes: a part of it was mistyped");
  }
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", key.subarray(1), { name: "Ed25519" }, false, ["verify"]);
  } catch {
    throw new Error("this browser cannot verify Ed25519 signatures; use a newer one, or custody verify");
  }
  return { name, id, imported, text: `${name}+${hash}+${encoded}` };
}

/** The text of a C2SP signed note that the key has signed, and the signatures of the others: names, key ids and bytes. */
async function openNote(note, key) {
  const division = note.lastIndexOf("\n\n");
  if (division < 0 || !note.endsWith("\n")) throw new Error("it has no signatures");
  const text = note.slice(0, division + 1);
  const signatures = [];
  let isSigned = false;
  for (const line of note.slice(division + 2, -1).split("\n")) {
    const match = /^— (\S+) (\S+)$/.exec(line);
    if (!match) throw new Error("it has a malformed signature line");
    const signature = fromBase64(match[2]);
    if (match[1] !== key.name || !equal(signature.subarray(0, 4), key.id)) {
      signatures.push({ name: match[1], bytes: signature });
      continue;
    }
    const isValid = await crypto.subtle.verify(
      { name: "Ed25519" }, key.imported, signature.subarray(4), encoder.encode(text));
    if (!isValid) throw new Error(`the signature of ${key.name} is not valid`);
    isSigned = true;
  }
  if (!isSigned) throw new Error("the key has not signed it");
  return { text, signatures };
}

/** A signed checkpoint: origin, size, root, and the text and further signatures for a policy to judge. */
export async function openCheckpoint(note, key) {
  const { text, signatures } = await openNote(note, key);
  const lines = text.split("\n");
  if (lines.length !== 4 || lines[3] !== "" || lines[0] !== key.name || !/^(0|[1-9][0-9]*)$/.test(lines[1])) {
    throw new Error("it is no checkpoint of the key's ledger");
  }
  const root = fromBase64(lines[2]);
  if (root.length !== 32) throw new Error("its root is no hash");
  return { origin: lines[0], size: BigInt(lines[1]), root, text, signatures };
}

// MARK: Tree (RFC 6962, section 2.1; RFC 9162, sections 2.1.3 and 2.1.4)

const node = (left, right) => sha256(Uint8Array.of(1), left, right);

async function verifyInclusion(leaf, index, size, root, proof) {
  if (index >= size) throw new Error("the checkpoint has no such leaf");
  let at = index;
  let last = size - 1n;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0n) throw new Error("the proof is too long");
    if (at & 1n || at === last) {
      hash = await node(sibling, hash);
      while (!(at & 1n) && at !== 0n) {
        at >>= 1n;
        last >>= 1n;
      }
    } else {
      hash = await node(hash, sibling);
    }
    at >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw new Error("the proof is too short");
  if (!equal(hash, root)) throw new Error("the proof does not lead to the checkpoint's root");
}

/** Demands that the tree of `newer` extends that of `older`. `tile(level, index, width)` gives a hash tile's bytes. */
export async function verifyConsistency(older, newer, tile) {
  if (older.size > newer.size) throw new Error(`the ledger had ${older.size} leaves when it was last seen, now ${newer.size}`);
  if (older.size === 0n) return;
  const size = newer.size;
  const tiles = new Map();
  const stored = async (level, index) => {
    const number = index >> 8n;
    const all = size >> BigInt(8 * level);
    const width = all - (number << 8n) < 256n ? Number(all - (number << 8n)) : 256;
    const name = `${level}/${number}`;
    if (!tiles.has(name)) {
      const bytes = await tile(level, number, width);
      if (bytes.length !== width * 32) throw new Error("a tile has another size than it should");
      tiles.set(name, bytes);
    }
    const at = Number(index & 255n) * 32;
    return tiles.get(name).subarray(at, at + 32);
  };
  /** The root over the leaves from `from` up to `to`, from complete subtrees of the newer tree. */
  const range = async (from, to) => {
    let height = 0n;
    while (1n << (height + 1n) <= to - from) height++;
    if (1n << height === to - from && height % 8n === 0n) return stored(Number(height / 8n), from >> height);
    const middle = 1n << height === to - from ? from + (1n << (height - 1n)) : from + (1n << height);
    return node(await range(from, middle), await range(middle, to));
  };
  if (!equal(await range(0n, older.size), older.root)) {
    throw new Error("the ledger does not hold what it held when it was last seen: history was rewritten");
  }
  if (!equal(await range(0n, size), newer.root)) throw new Error("the tiles do not lead to the checkpoint's root");
}

/** The C2SP tlog-tiles path of a hash tile. */
export function tilePath(level, index, width) {
  let text = String(index % 1000n).padStart(3, "0");
  for (let rest = index / 1000n; rest > 0n; rest /= 1000n) text = "x" + String(rest % 1000n).padStart(3, "0") + "/" + text;
  return `tile/${level}/${text}${width < 256 ? `.p/${width}` : ""}`;
}

// MARK: Packs

async function verifyEvent(line, checkpoint) {
  const isNumber = (value, most) => Number.isSafeInteger(value) && value >= 0 && value <= most;
  if (!isNumber(line.index, Number.MAX_SAFE_INTEGER)) throw new Error("the index is missing or malformed");
  if (!isNumber(line.kind, 255) || !isNumber(line.class, 65535) || !isNumber(line.received_ms, Number.MAX_SAFE_INTEGER)) {
    throw new Error("the leaf's entry is missing or malformed");
  }
  if (!Array.isArray(line.groups) || line.groups.length !== GROUPS.length) throw new Error("an event has six groups");
  const disclosed = {};
  const hashes = [];
  for (const [number, group] of line.groups.entries()) {
    if (group.hash !== undefined) {
      const hash = fromBase64(group.hash);
      if (hash.length !== 32) throw new Error(`the hash of the group ${GROUPS[number]} is malformed`);
      hashes.push(hash);
      continue;
    }
    const salt = fromBase64(group.salt);
    const bytes = fromBase64(group.bytes);
    if (salt.length !== 16) throw new Error(`the salt of the group ${GROUPS[number]} is malformed`);
    hashes.push(await sha256(encoder.encode("custody/group/v1"), Uint8Array.of(number), salt, bytes));
    disclosed[GROUPS[number]] = bytes;
  }
  const root = await sha256(encoder.encode("custody/event/v1"), ...hashes);
  const leaf = await sha256(
    Uint8Array.of(0, 1, line.kind), bigEndian(line.class, 2), bigEndian(line.received_ms, 8), root);
  const proof = line.proof.map(fromBase64);
  if (proof.some((hash) => hash.length !== 32)) throw new Error("the proof is malformed");
  await verifyInclusion(leaf, BigInt(line.index), checkpoint.size, checkpoint.root, proof);
  return { index: line.index, received: line.received_ms, kind: line.kind, groups: disclosed };
}

/**
 * Verifies a pack and goes on after a wrong line, so that everything that is wrong is named.
 *
 * @param {Uint8Array} bytes the file
 * @param {string} trusted the verifier key from elsewhere; empty to use the file's own
 * @param {(event: object) => void} onEvent gets each event with its line, and `error` when it is not what was sealed
 */
export async function verifyPack(bytes, trusted, onEvent = () => {}) {
  const errors = [];
  const fault = (line, reason) => errors.push(new EvidenceError(line, reason));
  const lines = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(10, at);
    if (end < 0) {
      fault(lines.length + 1, "the file is cut off in this line");
      break;
    }
    lines.push(bytes.subarray(at, end + 1));
    at = end + 1;
  }
  const read = (number) => {
    try {
      return JSON.parse(decoder.decode(lines[number - 1]));
    } catch {
      throw new EvidenceError(number, "this is not JSON");
    }
  };
  if (lines.length === 0) throw new EvidenceError(1, "the file is empty");
  const header = read(1);
  if (header?.format !== FORMAT) throw new EvidenceError(1, `this is not the header of a pack of the format ${FORMAT}`);
  const key = await readKey(trusted || header.vkey);
  const isTrusted = Boolean(trusted);
  if (key.text !== header.vkey) fault(1, "the pack names another key than the one that was given");
  let checkpoint;
  try {
    checkpoint = await openCheckpoint(header.checkpoint, key);
  } catch (error) {
    throw new EvidenceError(1, `the checkpoint does not verify: ${error.message}`);
  }
  const seen = new Set();
  let verified = 0;
  let altered = 0;
  let coverage = null;
  let number = 1;
  while (++number <= lines.length) {
    let line;
    try {
      line = read(number);
      if (line.events !== undefined) {
        coverage = line.coverage ?? {};
        if (line.events !== verified + altered) {
          fault(number, `the pack speaks of ${line.events} events, there are ${verified + altered}`);
        }
        break;
      }
      const event = await verifyEvent(line, checkpoint);
      if (seen.has(event.index)) throw new Error(`event ${event.index} is there twice`);
      seen.add(event.index);
      verified += 1;
      onEvent({ line: number, ...event });
    } catch (error) {
      altered += 1;
      const reason = error.reason ?? error.message;
      fault(number, reason);
      onEvent({ line: number, index: line?.index, error: reason, groups: {} });
    }
  }
  if (coverage === null) {
    fault(number, "the file is cut off: the line that counts its events is missing");
  } else if (number + 1 > lines.length) {
    fault(number + 1, "the file is cut off: the signature is missing");
  } else {
    try {
      const { text } = await openNote(read(number + 1).signature, key);
      const digest = toBase64(await sha256(...lines.slice(0, number)));
      if (text !== `${FORMAT}\nsha256 ${digest}\n`) {
        throw new Error("the signature is over another pack: a line was changed, moved or left out");
      }
    } catch (error) {
      fault(number + 1, error.reason ?? error.message);
    }
    if (lines.length > number + 1) fault(number + 2, "there is more after the signature");
  }
  return {
    isIntact: errors.length === 0, errors, verified, altered, checkpoint, key, isTrusted, coverage: coverage ?? {},
    query: header.query ?? "", created: header.created ?? "",
  };
}

// MARK: Reading what was sealed (docs/format/event.md)

/** The entries of a group's canonical bytes: field number, element, value. */
export function* entries(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      if (at >= bytes.length || scale > 2 ** 49) throw new Error("malformed entry");
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const field = bytes[at++];
    const element = varint();
    const length = varint();
    if (length > bytes.length - at) throw new Error("malformed entry");
    yield { field, element, value: bytes.subarray(at, at + length) };
    at += length;
  }
}
