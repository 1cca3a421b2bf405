// Signed notes, checkpoints and what witnesses sign of them (C2SP signed-note, tlog-checkpoint, tlog-cosignature).
import { base64, type Bytes, concat, equal, fromBase64, fromHex, hex, sha256, utf8 } from "./bytes";
import { type ErrorCode, SceauError } from "./errors";
import { verifyEd25519 } from "./jws";

const ED25519 = 0x01;
const COSIGNATURE = 0x04;
const MAX_SIGNATURES = 100;
const MAX_TIME = 2n ** 63n - 1n;

interface VerifierKey {
  readonly name: string;
  readonly id: string; // 4 bytes, hexadecimal
  readonly publicKey: Bytes; // 32 bytes, Ed25519
}
/** A key that signs checkpoints. */
export interface LogKey extends VerifierKey { readonly use: "log" }
/** A key that cosigns those of others. */
export interface WitnessKey extends VerifierKey { readonly use: "witness" }

/** A line under a note: whose key, and what stands after its id. */
interface NoteSignature {
  readonly name: string;
  readonly id: string;
  readonly signature: Bytes;
}

/** A log's state that its key signed. */
export interface Checkpoint {
  readonly log: LogKey;
  /** What was signed. */
  readonly text: string;
  readonly origin: string;
  readonly size: number;
  readonly root: Bytes; // 32 bytes
  /** Lines after the root, such as `map-root <base64>`. */
  readonly extensions: readonly string[];
  /** The log's own signature. */
  readonly signature: Bytes;
  /** What else stands under it, such as cosignatures of witnesses. Not verified: that is for who knows their keys ({@link verifyCosignature}). */
  readonly others: readonly NoteSignature[];
}

/** A log's verifier key, `name+hex id+base64 key`. Its id must be its own. */
export const parseLogKey = async (vkey: string): Promise<LogKey> => ({ ...(await parseKey(vkey, ED25519)), use: "log" });

/** A witness's, of the type that cosigns. */
export const parseWitnessKey = async (vkey: string): Promise<WitnessKey> => ({ ...(await parseKey(vkey, COSIGNATURE)), use: "witness" });

/** Whether they are one key under one name. */
export const sameKey = (a: VerifierKey, b: VerifierKey): boolean => a.name === b.name && equal(a.publicKey, b.publicKey);

async function parseKey(vkey: string, type: number): Promise<VerifierKey> {
  const [name, id, ...rest] = vkey.split("+");
  if (!name || id === undefined || rest.length === 0 || !isName(name)) throw new SceauError("note.bad_key");
  const key = decode(rest.join("+"), "note.bad_key");
  if (key.length !== 33 || key[0] !== type) throw new SceauError("note.bad_key", "algorithm");
  if ((await keyHash(name, key)) !== id) throw new SceauError("note.bad_key", "id");
  return { name, id, publicKey: key.slice(1) };
}

interface Note {
  text: string;
  signatures: NoteSignature[];
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

/** A checkpoint signed by the log; its origin is the name of the log's key. What others signed is kept as it came, unverified. */
export async function verifyCheckpoint(signed: string, key: LogKey): Promise<Checkpoint> {
  const note = parseNote(signed);
  const checkpoint = parseCheckpoint(note.text);
  if (checkpoint.origin !== key.name) throw new SceauError("checkpoint.wrong_origin");
  const own = note.signatures.find(({ name, id }) => name === key.name && id === key.id);
  if (!own) throw new SceauError("note.not_signed");
  if (!(await verifyEd25519(key.publicKey, own.signature, utf8(note.text)))) throw new SceauError("note.bad_signature");
  return { ...checkpoint, log: key, text: note.text, signature: own.signature, others: note.signatures.filter((one) => one !== own) };
}

/** What a time stamp is of: SHA-256 of a checkpoint with its log's line alone, so that later cosignatures change nothing. */
export async function imprintOf({ text, log, signature }: Checkpoint): Promise<Bytes> {
  return sha256(utf8(`${text}\n\u2014 ${log.name} ${base64(concat(fromHex(log.id), signature))}\n`));
}

/** When that witness cosigned, in unix seconds by its own clock; null where it did not. A wrong signature in its name is `note.bad_signature`. */
export async function verifyCosignature(checkpoint: Checkpoint, witness: WitnessKey): Promise<number | null> {
  const line = checkpoint.others.find(({ name, id }) => name === witness.name && id === witness.id);
  if (!line) return null;
  const { signature: blob } = line;
  if (blob.length !== 8 + 64) throw new SceauError("note.bad_signature");
  const time = new DataView(blob.buffer).getBigUint64(0);
  const signed = utf8(`cosignature/v1\ntime ${time}\n${checkpoint.text}`);
  if (time > MAX_TIME || !(await verifyEd25519(witness.publicKey, blob.slice(8), signed))) throw new SceauError("note.bad_signature");
  return Number(time);
}

function parseCheckpoint(text: string): Omit<Checkpoint, "log" | "text" | "signature" | "others"> {
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
