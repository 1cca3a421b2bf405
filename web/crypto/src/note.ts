// Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint).
import { type Bytes, concat, equal, fromBase64, fromHex, sha256, utf8 } from "./bytes";
import { SceauError } from "./errors";
import { verifyEd25519 } from "./jws";

const ED25519 = 0x01;

export interface LogKey {
  readonly name: string;
  readonly id: Bytes; // 4 bytes
  readonly publicKey: Bytes; // 32 bytes
}

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Bytes; // 32 bytes
  /** Lines after the root, such as `map-root <base64>`. */
  readonly extensions: readonly string[];
}

/** A verifier key, `name+hex id+base64 key`. Its id must be its own. */
export async function parseLogKey(vkey: string): Promise<LogKey> {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(vkey);
  const [, name, idHex, encoded] = match ?? [];
  if (!name || !idHex || !encoded) throw new SceauError("note-malformed", "verifier key");
  const key = fromBase64(encoded);
  if (key.length !== 33 || key[0] !== ED25519) throw new SceauError("note-malformed", "verifier key algorithm");
  const id = (await sha256(concat(utf8(`${name}\n`), key))).slice(0, 4);
  if (!equal(id, fromHex(idHex))) throw new SceauError("note-malformed", "verifier key id");
  return { name, id, publicKey: key.slice(1) };
}

/** The text of a note that this key signed. Other signatures are left alone, as the format asks. */
export async function verifyNote(note: string, key: LogKey): Promise<string> {
  const split = note.lastIndexOf("\n\n");
  if (split < 0 || !note.endsWith("\n")) throw new SceauError("note-malformed");
  const text = note.slice(0, split + 1);
  const lines = note.slice(split + 2, -1).split("\n");
  let known = false;
  for (const line of lines) {
    const [, name, encoded] = /^— (\S+) (\S+)$/.exec(line) ?? [];
    if (!name || !encoded) throw new SceauError("note-malformed", "signature line");
    const blob = fromBase64(encoded);
    if (blob.length < 5) throw new SceauError("note-malformed", "signature");
    if (name !== key.name || !equal(blob.subarray(0, 4), key.id)) continue;
    known = true;
    if (await verifyEd25519(key.publicKey, blob.slice(4), utf8(text))) return text;
    throw new SceauError("note-bad-signature");
  }
  throw new SceauError(known ? "note-bad-signature" : "note-unknown-key");
}

/** A checkpoint signed by the log; its origin is the name of the log's key. */
export async function verifyCheckpoint(note: string, key: LogKey): Promise<Checkpoint> {
  const lines = (await verifyNote(note, key)).slice(0, -1).split("\n");
  const [origin, sizeText, rootText, ...extensions] = lines;
  if (origin === undefined || sizeText === undefined || rootText === undefined) throw new SceauError("checkpoint-malformed");
  const size = Number(sizeText);
  if (!/^(0|[1-9][0-9]*)$/.test(sizeText) || !Number.isSafeInteger(size)) throw new SceauError("checkpoint-malformed", "size");
  const root = fromBase64(rootText);
  if (root.length !== 32 || extensions.includes("")) throw new SceauError("checkpoint-malformed", "lines");
  if (origin !== key.name) throw new SceauError("evidence-wrong-log", "origin");
  return { origin, size, root, extensions };
}
