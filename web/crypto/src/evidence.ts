// An evidence file: a record, its inclusion proof and a signed checkpoint. The order of the checks is that of crates/trace/src/evidence.rs.
import { type Bytes, fromBase64 } from "./bytes";
import { parseOpenings, reveal } from "./commitment";
import { SceauError } from "./errors";
import { Fields } from "./json";
import { leafHash, verifyInclusion } from "./merkle";
import { type Checkpoint, parseLogKey, verifyCheckpoint } from "./note";
import { parseRecord, type TraceRecord } from "./record";

const MAX_LENGTH = 8 << 20;
const MAX_STAMPS = 16;

/** A record that a log has committed to. */
export interface VerifiedRecord {
  /** With the values that the file opens in place of their commitments. */
  readonly record: TraceRecord;
  readonly bytes: Bytes; // the exact leaf
  readonly index: number;
  readonly checkpoint: Checkpoint;
  /** Whether the log is the one that the reader trusts; else the file only agrees with itself. */
  readonly keyPinned: boolean;
  /** What came along; this verification says nothing about it. */
  readonly attachments: Readonly<Record<string, unknown>>;
}

/** The time stamps (RFC 3161) of its checkpoint that came along, none of them verified here. Throws `stamp.malformed` where what stands in their place is none. */
export function stampsOf({ attachments }: VerifiedRecord): readonly Bytes[] {
  const stamps = attachments["time-stamps"] ?? [];
  if (!Array.isArray(stamps) || stamps.length > MAX_STAMPS) throw new SceauError("stamp.malformed", "not a list of them");
  return stamps.map((stamp: unknown) => {
    try {
      return fromBase64(typeof stamp === "string" ? stamp : "!");
    } catch (cause) {
      throw new SceauError("stamp.malformed", "base64", { cause });
    }
  });
}

/** `logKey` is the verifier key that the reader trusts, or null to learn only whether the file is whole. `file` is its text, or its JSON. */
export async function verifyEvidence(file: unknown, logKey: string | null): Promise<VerifiedRecord> {
  if (typeof file === "string" && file.length > MAX_LENGTH) throw new SceauError("evidence.too_long");
  const f = typeof file === "string" ? Fields.parse(file, "evidence.malformed") : Fields.of(file, "evidence.malformed");
  if (f.text("format") !== "sceau-evidence") throw new SceauError("evidence.malformed", "format");
  if (f.whole("v") !== 1) throw new SceauError("evidence.unknown_version");
  f.only("v", "format", "record", "index", "proof", "checkpoint", "log_key", "openings", "attachments");
  const index = f.integer("index");
  const proof = f.hashes("proof");
  const bytes = f.bytes("record");
  const note = f.text("checkpoint");
  const embedded = f.text("log_key");
  const openings = f.holds("openings") ? parseOpenings(f.object("openings")) : [];
  const attachments = f.holds("attachments") ? Object.fromEntries(f.object("attachments").entries()) : {};

  const key = await parseLogKey(embedded);
  if (logKey !== null && embedded !== logKey) throw new SceauError("evidence.other_log");
  const record = parseRecord(bytes);
  const checkpoint = await verifyCheckpoint(note, key);
  await verifyInclusion(await leafHash(bytes), index, checkpoint.size, proof, checkpoint.root);
  return { record: await reveal(record, openings), bytes, index, checkpoint, keyPinned: logKey !== null, attachments };
}
