// Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint).
import { type Bytes, concat, equal, fromBase64, hex, sha256, utf8 } from "./bytes";
import { type ErrorCode, SceauError } from "./errors";
import { verifyEd25519 } from "./jws";

const ED25519 = 0x01;
const MAX_SIGNATURES = 100;

export interface LogKey {
  readonly name: string;
  readonly id: string; // 4 bytes, hexadecimal
  readonly publicKey: Bytes; // 32 bytes
}

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Bytes; // 32 bytes
  /** Lines after the root, such as `map-root <base64>`. */
  readonly extensions: readonly string[];
}

/** A log's verifier key, `name+hex id+base64 key`. Its id must be its own. */
export async function parseLogKey(vkey: string): Promise<LogKey> {
  const [name, id, ...rest] = vkey.split("+");
  if (!name || id === undefined || rest.length === 0 || !isName(name)) throw new SceauError("note.bad_key");
  const key = decode(rest.join("+"), "note.bad_key");
  if (key.length !== 33 || key[0] !== ED25519) throw new SceauError("note.bad_key", "algorithm");
  if ((await keyHash(name, key)) !== id) throw new SceauError("note.bad_key", "id");
  return { name, id, publicKey: key.slice(1) };
}

interface Note {
  text: string;
  signatures: { name: string; id: string; signature: Bytes }[];
}

function parseNote(note: string): Note {
  const cut = note.lastIndexOf("\n\n");
  if (cut < 0 || !note.endsWith("\n")) throw new SceauError("note.malformed");
  const text = note.slice(0, cut + 1);
  if (/[\x00-\x09\x0b-\x1f]/.test(text)) throw new SceauError("note.malformed", "control character");
  const lines = note.slice(cut + 2, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) throw new SceauError("note.malformed", "too many signatures");
  const signatures: Note["signatures"] = [];
  for (const line of lines) {
    const [dash, name, encoded, ...more] = line.split(" ");
    if (dash !== "\u2014" || !name || !encoded || more.length > 0 || !isName(name)) throw new SceauError("note.malformed", "signature line");
    const blob = decode(encoded, "note.malformed");
    if (blob.length < 5) throw new SceauError("note.malformed", "signature");
    const id = hex(blob.slice(0, 4));
    if (signatures.some((other) => other.name === name && other.id === id)) throw new SceauError("note.duplicate_signature");
    signatures.push({ name, id, signature: blob.slice(4) });
  }
  return { text, signatures };
}

/** A checkpoint signed by the log; its origin is the name of the log's key. Signatures of others are left alone, as the format asks. */
export async function verifyCheckpoint(signed: string, key: LogKey): Promise<Checkpoint> {
  const note = parseNote(signed);
  const checkpoint = parseCheckpoint(note.text);
  if (checkpoint.origin !== key.name) throw new SceauError("checkpoint.wrong_origin");
  const own = note.signatures.find(({ name, id }) => name === key.name && id === key.id);
  if (!own) throw new SceauError("note.not_signed");
  if (!(await verifyEd25519(key.publicKey, own.signature, utf8(note.text)))) throw new SceauError("note.bad_signature");
  return checkpoint;
}

function parseCheckpoint(text: string): Checkpoint {
  const [origin, sizeText, rootText, ...extensions] = text.slice(0, -1).split("\n");
  if (!origin || sizeText === undefined || rootText === undefined) throw new SceauError("checkpoint.malformed");
  const size = Number(sizeText);
  if (!/^(0|[1-9][0-9]*)$/.test(sizeText) || !Number.isSafeInteger(size)) throw new SceauError("checkpoint.malformed", "size");
  const root = decodeHash(rootText);
  if (extensions.includes("")) throw new SceauError("checkpoint.malformed", "an empty line");
  const mapRoots = extensions.filter((line) => line.startsWith("map-root "));
  for (const line of mapRoots) decodeHash(line.slice("map-root ".length));
  if (mapRoots.length > 1) throw new SceauError("checkpoint.malformed", "two map roots");
  return { origin, size, root, extensions };
}

function decodeHash(text: string): Bytes {
  const hash = decode(text, "checkpoint.malformed");
  if (hash.length !== 32) throw new SceauError("checkpoint.malformed", "hash");
  return hash;
}

const keyHash = async (name: string, key: Bytes): Promise<string> =>
  hex((await sha256(concat(utf8(`${name}\n`), key))).slice(0, 4));

const isName = (name: string): boolean => !/[\s+\p{Cc}]/u.test(name);

function decode(text: string, code: ErrorCode): Bytes {
  try {
    return fromBase64(text);
  } catch (cause) {
    throw new SceauError(code, "base64", { cause });
  }
}

/** Whether two hashes are the same; for a page that follows a log from one checkpoint to the next. */
export const sameRoot = (a: Checkpoint, b: Checkpoint): boolean => a.size === b.size && equal(a.root, b.root);
