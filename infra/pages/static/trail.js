// Checks in this browser that an entry stands in the log: the checkpoint's signature under a key, and the way from the
// entry's hash to the signed root, worked out from the log's own tiles (RFC 6962; C2SP signed-note, tlog-checkpoint,
// tlog-tiles). Nothing that the page says is believed but the position and, for auditors, the entry to be hashed.

const TILE = 256;
const HASH = 32;
const ED25519 = 1;
const check = document.getElementById("check");
const verdict = document.getElementById("verdict");
const text = new TextEncoder();

const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
const base64Of = (bytes) => btoa(String.fromCharCode(...bytes));
const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(parts)));
const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);

function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const leafHash = (entry) => sha256([0], entry);
const nodeHash = (left, right) => sha256([1], left, right);

// The checkpoint, if the key signed it; null if not.
async function checkpointOf(note, key) {
  const [name, id, encoded] = parts(key.trim());
  const keyBytes = bytesOf(encoded);
  if (keyBytes[0] !== ED25519 || keyBytes.length !== 1 + HASH) return null;
  const split = note.indexOf("\n\n");
  const signed = note.slice(0, split + 1);
  const publicKey = await crypto.subtle.importKey("raw", keyBytes.slice(1), "Ed25519", false, ["verify"]);
  for (const line of note.slice(split + 2).split("\n")) {
    if (!line.startsWith(`\u2014 ${name} `)) continue;
    const signature = bytesOf(line.slice(name.length + 3));
    const named = [...signature.slice(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    if (named !== id) continue;
    if (!(await crypto.subtle.verify("Ed25519", publicKey, signature.slice(4), text.encode(signed)))) continue;
    const [origin, size, root] = signed.split("\n");
    if (origin === name) return { size: Number(size), root: bytesOf(root) };
  }
  return null;
}

// The key in base64 may hold plus signs of its own.
function parts(key) {
  const first = key.indexOf("+");
  const second = key.indexOf("+", first + 1);
  return [key.slice(0, first), key.slice(first + 1, second), key.slice(second + 1)];
}

class Tiles {
  constructor(size) {
    this.size = size;
    this.kept = new Map();
  }

  async tile(level, number) {
    const count = Math.floor(this.size / TILE ** level);
    const width = Math.min(TILE, count - number * TILE);
    const digits = String(number).padStart(Math.ceil(String(number).length / 3) * 3, "0").match(/.{3}/g);
    const name = [...digits.slice(0, -1).map((group) => `x${group}`), digits.at(-1)].join("/");
    const path = `/log/tile/${level}/${name}`;
    if (!this.kept.has(path)) {
      let answer = await fetch(width < TILE ? `${path}.p/${width}` : path);
      // A partial tile goes away once it is full.
      if (answer.status === 404 && width < TILE) answer = await fetch(path);
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
      this.kept.set(path, new Uint8Array(await answer.arrayBuffer()));
    }
    return this.kept.get(path);
  }

  // The hash of the whole subtree of 2^level leaves whose number at that level is given.
  async node(level, number) {
    if (level % 8 === 0) {
      const tile = await this.tile(level / 8, Math.floor(number / TILE));
      return tile.slice((number % TILE) * HASH, (number % TILE) * HASH + HASH);
    }
    return nodeHash(await this.node(level - 1, number * 2), await this.node(level - 1, number * 2 + 1));
  }

  // The hash over the leaves from begin to end; the leaf at position is the one given, not what a tile says of it.
  async over(begin, end, position, leaf) {
    const count = end - begin;
    if (count === 1) return begin === position ? leaf : this.node(0, begin);
    const whole = Number.isInteger(Math.log2(count));
    if (whole && (position < begin || position >= end)) return this.node(Math.log2(count), begin / count);
    const left = 2 ** Math.ceil(Math.log2(count) - 1);
    return nodeHash(
      await this.over(begin, begin + left, position, leaf),
      await this.over(begin + left, end, position, leaf),
    );
  }
}

async function verified() {
  const note = await (await fetch("/log/checkpoint", { cache: "no-store" })).text();
  const checkpoint = await checkpointOf(note, document.getElementById("key").value).catch(() => null);
  if (checkpoint === null) return "signature";
  const position = Number(check.dataset.position);
  const tiles = new Tiles(checkpoint.size);
  const entry = document.getElementById("entry");
  let leaf = await tiles.node(0, position);
  if (entry !== null) leaf = await leafHash(text.encode(entry.textContent));
  if (base64Of(leaf) !== check.dataset.leaf) return "leafWrong";
  const root = await tiles.over(0, checkpoint.size, position, leaf);
  return position < checkpoint.size && same(root, checkpoint.root) ? "good" : "root";
}

check.hidden = false;
document.getElementById("verify").addEventListener("click", async () => {
  verdict.textContent = "…";
  verdict.className = "verdict";
  try {
    const found = await verified();
    verdict.textContent = check.dataset[found];
    verdict.className = `verdict notice ${found === "good" ? "good" : "wrong"}`;
  } catch (error) {
    verdict.textContent = `${check.dataset.failed} ${error.message}`;
    verdict.className = "verdict notice wrong";
  }
});
