// Judges the cosignatures under a checkpoint by a policy (C2SP tlog-policy, tlog-cosignature) with nothing but WebCrypto.
// Runs in browsers and in Node 20 or later.

import { fromBase64, readKey } from "./verify.js";

/** Lines of a kind that a policy may have; as in the server. */
const MOST = 256;
const encoder = new TextEncoder();

const same = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);

/** The key of a vkey, whose type has to be one of `types`; its Ed25519 key only when it is of the type `wanted`. */
async function readPolicyKey(text, types, wanted) {
  const material = text.split("+").slice(2).join("+");
  let bytes;
  try {
    bytes = fromBase64(material);
  } catch {
    throw new Error("a verifier key is name+id+key");
  }
  if (!types.includes(bytes[0])) throw new Error(`a key of the signature type ${bytes[0]} cannot stand here`);
  // Keys of types that browsers do not know are accepted and never count, so that a policy can be shared.
  const key = bytes[0] === wanted ? await readKey(text, wanted) : null;
  return { key, identity: material.slice(2) };
}

/**
 * Reads a policy; each line refers to what stands above it only.
 *
 * @param {string} text the policy
 * @returns {Promise<{logs: object[], witnesses: object[], nodes: object[], quorum: ?number}>}
 */
export async function readPolicy(text) {
  const policy = { logs: [], witnesses: [], nodes: [], quorum: null };
  const names = new Map();
  const members = new Set();
  let groups = 0;
  let hasQuorum = false;
  const define = (name, node) => {
    if (name === "none" || names.has(name)) throw new Error(`the name ${name} is taken`);
    names.set(name, policy.nodes.length);
    policy.nodes.push(node);
  };
  const room = (count) => {
    if (count >= MOST) throw new Error(`a policy has at most ${MOST} lines of a kind`);
  };
  const readers = {
    log: async (items) => {
      if (items.length < 2 || items.length > 3) throw new Error("write: log VKEY [URL]");
      const log = await readPolicyKey(items[1], [1, 2, 5, 6], 1);
      if (policy.logs.some((known) => known.identity === log.identity)) throw new Error("this log's key stands above already");
      room(policy.logs.length);
      policy.logs.push(log);
    },
    witness: async (items) => {
      if (items.length < 3 || items.length > 4) throw new Error("write: witness NAME VKEY [URL]");
      const witness = await readPolicyKey(items[2], [4, 6], 4);
      if (policy.witnesses.some((known) => known.identity === witness.identity)) {
        throw new Error("this witness' key stands above already");
      }
      room(policy.witnesses.length);
      define(items[1], { witness: policy.witnesses.length });
      policy.witnesses.push({ name: items[1], ...witness });
    },
    group: async (items) => {
      if (items.length < 4) throw new Error("write: group NAME all|any|K MEMBER…");
      const indexes = items.slice(3).map((name) => {
        if (!names.has(name)) throw new Error(`${name} is not defined above`);
        const index = names.get(name);
        // A witness that counted twice could make a quorum alone.
        if (members.has(index)) throw new Error(`${name} is a member of a group already`);
        members.add(index);
        return index;
      });
      const threshold = items[2] === "all" ? indexes.length : items[2] === "any" ? 1
        : /^[1-9][0-9]*$/.test(items[2]) ? Number(items[2]) : 0;
      if (threshold < 1 || threshold > indexes.length) {
        throw new Error(`a threshold is all, any or a number from 1 to ${indexes.length}`);
      }
      room(groups++);
      define(items[1], { threshold, members: indexes });
    },
    quorum: async (items) => {
      if (items.length !== 2) throw new Error("write: quorum NAME|none");
      if (hasQuorum) throw new Error("there is a quorum line already");
      hasQuorum = true;
      if (items[1] === "none") return;
      if (!names.has(items[1])) throw new Error(`${items[1]} is not defined above`);
      policy.quorum = names.get(items[1]);
    },
  };
  for (const [number, raw] of text.split("\n").entries()) {
    const line = raw.replace(/\r$/, "");
    try {
      if (/[\x00-\x08\x0a-\x1f\x7f]/.test(line)) throw new Error("there is a control character");
      const items = line.split(/[ \t]+/).filter((item) => item !== "");
      if (items.length === 0 || items[0].startsWith("#")) continue;
      if (!Object.hasOwn(readers, items[0])) throw new Error("a line begins with log, witness, group or quorum");
      await readers[items[0]](items);
    } catch (error) {
      throw new Error(`policy line ${number + 1}: ${error.message}`);
    }
  }
  if (!hasQuorum) throw new Error("the policy has no quorum line");
  return policy;
}

/** Whether a quorum is among these witnesses (their places in the policy). */
function isQuorum(policy, cosigned) {
  if (policy.quorum === null) return true;
  const witnessed = [];
  for (const node of policy.nodes) {
    witnessed.push(node.witness !== undefined
      ? cosigned.has(node.witness) : node.members.filter((member) => witnessed[member]).length >= node.threshold);
  }
  return witnessed[policy.quorum];
}

/**
 * Demands that a checkpoint is of a log of the policy, and cosigned by its quorum.
 *
 * @param {object} policy of readPolicy
 * @param {object} checkpoint of verify.js' openCheckpoint
 * @param {object} key the log's key, by which the checkpoint was opened
 * @returns {Promise<{name: string, time: Date}[]>} the valid cosignatures of the policy's witnesses, one each, the latest
 */
export async function judge(policy, checkpoint, key) {
  if (policy.logs.length > 0 && !policy.logs.some((log) => log.key?.text === key.text)) {
    throw new Error(`the policy does not know the log ${key.name} with this key`);
  }
  const times = new Map();
  for (const { name, bytes } of checkpoint.signatures) {
    const place = policy.witnesses.findIndex(
      (witness) => witness.key && witness.key.name === name && same(witness.key.id, bytes.subarray(0, 4)));
    if (place < 0) continue;
    const witness = policy.witnesses[place];
    const invalid = () => new Error(`the cosignature of ${witness.name} is not valid`);
    if (bytes.length !== 76) throw invalid();
    const time = new DataView(bytes.buffer, bytes.byteOffset + 4, 8).getBigUint64(0);
    if (time >= 1n << 63n) throw invalid();
    const message = encoder.encode(`cosignature/v1\ntime ${time}\n${checkpoint.text}`);
    if (!await crypto.subtle.verify({ name: "Ed25519" }, witness.key.imported, bytes.subarray(12), message)) throw invalid();
    if (time > (times.get(place) ?? -1n)) times.set(place, time);
  }
  if (!isQuorum(policy, times)) {
    const present = [...times.keys()].sort((a, b) => a - b).map((place) => policy.witnesses[place].name);
    throw new Error(`${present.length ? `only ${present.join(", ")}` : "no witness of the policy"} cosigned the checkpoint, which is no quorum`);
  }
  return [...times].map(([place, time]) => ({
    name: policy.witnesses[place].name, time: new Date(Math.min(Number(time) * 1000, 8.64e15)),
  }));
}

/** The key of the policy's log of this origin, as text, or nothing when it has none. */
export const keyOf = (policy, origin) => policy.logs.find((log) => log.key?.name === origin)?.key.text ?? "";
