// crates/crypto/vectors/sceau-1.json, as its README describes it.
import { type Bytes, codeOf, fromBase64url, fromHex, hex, keyIdHex, parseHeader, type PrivateKey, type RecipientKey, type RecipientSuite, sha256, unwrap } from "../src";
import { concat } from "../src/bytes";
import { buildHeader, type Metadata } from "../src/header";
import { PipedEnvelope } from "../src/piped";
import { envelopeHash, partCount, PART_LENGTH, plaintextRange, StreamKey } from "../src/stream";
import type { Case } from "./cases";
import { same } from "./same";

type Change =
  | { change: "flip"; at: number; mask: number }
  | { change: "cut"; at: number; length: number }
  | { change: "insert"; at: number; bytes: string }
  | { change: "swap_parts"; a: number; b: number }
  | { change: "repeat_part"; part: number }
  | { change: "replace_header"; header: string }
  | { change: "header_of"; envelope: string };

interface Envelope {
  name: string;
  recipients: string[];
  metadata: Metadata;
  cek: string;
  file_id: string;
  metadata_nonce: string;
  salt: string;
  nonce_prefix: string;
  header: string;
  associated_data: string;
  size: number;
  part_sha256: string[];
  envelope_hash: string;
}

export interface EnvelopeVectors {
  keys: Record<string, { suite: RecipientSuite; key_id: string; public_key: string; private_key: string }>;
  envelopes: Envelope[];
  negative: { name: string; of: string; changes: Change[]; key: string; code: string }[];
}

export function envelopes(vectors: EnvelopeVectors): Case[] {
  const find = (name: string): Envelope => {
    const found = vectors.envelopes.find((envelope) => envelope.name === name);
    if (!found) throw new Error(`no envelope ${name}`);
    return found;
  };
  const keys = Object.entries(vectors.keys).map(([name, key]) => ({
    name: `key ${name} has its id`,
    run: async () => same(await keyIdHex({ suite: key.suite, publicKey: fromBase64url(key.public_key) }), key.key_id),
  }));
  const positive = vectors.envelopes.flatMap((envelope) => [
    { name: `${envelope.name}: rebuilt byte for byte`, run: () => rebuild(envelope) },
    ...envelope.recipients.map((key) => ({
      name: `${envelope.name}: opened by ${key}`,
      run: async () => {
        const opened = await open(concat(fromBase64url(envelope.header), await stream(envelope)), await privateKey(vectors, key));
        same([opened.code, hex(await sha256(opened.plaintext))], ["ok", hex(await sha256(plaintext(0, envelope.size)))]);
      },
    })),
  ]);
  const negative = vectors.negative.map(({ name, of, changes, key, code }) => ({
    name: `refused: ${name}`,
    run: async () => {
      const envelope = find(of);
      let bytes = concat(fromBase64url(envelope.header), await stream(envelope));
      let header = fromBase64url(envelope.header).length;
      for (const change of changes) [bytes, header] = apply(change, bytes, header, find);
      const opened = await open(bytes, await privateKey(vectors, key));
      same(opened.code, code);
      same(hex(opened.plaintext.subarray(0, 64)), hex(plaintext(0, Math.min(64, opened.plaintext.length))));
      same(hex(await sha256(opened.plaintext)), hex(await sha256(plaintext(0, opened.plaintext.length))));
    },
  }));
  return [...keys, ...positive, ...negative];
}

function plaintext(start: number, end: number): Bytes {
  const bytes = new Uint8Array(end - start);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = (start + i) % 251;
  return bytes;
}

async function parts(envelope: Envelope): Promise<Bytes[]> {
  const { fixed } = parseHeader(fromBase64url(envelope.header));
  const key = await StreamKey.create(fromHex(envelope.cek), fixed, fromHex(envelope.salt), fromHex(envelope.nonce_prefix));
  const count = partCount(envelope.size);
  return Promise.all(
    Array.from({ length: count }, (_, index) => {
      const { start, end } = plaintextRange(index, envelope.size);
      return key.sealPart(index, index === count - 1, plaintext(start, end));
    }),
  );
}

const stream = async (envelope: Envelope): Promise<Bytes> => concat(...(await parts(envelope)));

async function rebuild(envelope: Envelope): Promise<void> {
  const expected = fromBase64url(envelope.header);
  const { stanzas, fixed, metadataSection } = parseHeader(expected);
  const { cek, file_id, metadata, metadata_nonce } = envelope;
  const header = await buildHeader(fromHex(cek), fromHex(file_id), stanzas, metadata, fromHex(metadata_nonce));
  same(hex(header), hex(expected));
  same(hex(await sha256(fixed)), envelope.associated_data);
  const hashes = await Promise.all((await parts(envelope)).map((part) => sha256(part)));
  same(hashes.map(hex), envelope.part_sha256);
  same(hex(await envelopeHash(fixed, metadataSection, hashes)), envelope.envelope_hash);
}

async function privateKey(vectors: EnvelopeVectors, name: string): Promise<PrivateKey> {
  const key = vectors.keys[name];
  if (!key) throw new Error(`no key ${name}`);
  const recipient: RecipientKey = { suite: key.suite, publicKey: fromBase64url(key.public_key) };
  const id = fromHex(await keyIdHex(recipient));
  const secret = fromBase64url(key.private_key);
  if (key.suite === "HPKE-X-Wing") return { suite: key.suite, id, seed: secret };
  const algorithm = { name: "RSA-OAEP", hash: "SHA-256" };
  return { suite: key.suite, id, key: await crypto.subtle.importKey("pkcs8", secret, algorithm, false, ["decrypt"]) };
}

/** As a reader of one whole envelope does, whose bytes come in pieces; what came out before an error is kept. */
async function open(bytes: Bytes, key: PrivateKey): Promise<{ code: string; plaintext: Bytes }> {
  const out: Bytes[] = [];
  try {
    const envelope = await PipedEnvelope.read(pieces(bytes));
    const { content } = await envelope.open(await unwrap(envelope.header, key));
    const reader = content.getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) out.push(read.value);
    return { code: "ok", plaintext: concat(...out) };
  } catch (error) {
    return { code: codeOf(error), plaintext: concat(...out) };
  }
}

/** Bytes in pieces of no particular length. */
function pieces(bytes: Bytes, length = 300_007): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(out) {
      if (at >= bytes.length) return out.close();
      out.enqueue(bytes.slice(at, at + length));
      at += length;
    },
  });
}

function apply(change: Change, bytes: Bytes, header: number, find: (name: string) => Envelope): [Bytes, number] {
  const part = (index: number): [number, number] => [header + index * PART_LENGTH, Math.min(bytes.length, header + (index + 1) * PART_LENGTH)];
  switch (change.change) {
    case "flip": {
      const copy = bytes.slice();
      copy[change.at] = (copy[change.at] ?? 0) ^ change.mask;
      return [copy, header];
    }
    case "cut":
      return [concat(bytes.slice(0, change.at), bytes.slice(change.at + change.length)), header];
    case "insert":
      return [concat(bytes.slice(0, change.at), fromHex(change.bytes), bytes.slice(change.at)), header];
    case "swap_parts": {
      const [a, b] = [change.a, change.b].sort((x, y) => x - y) as [number, number];
      const [[a0, a1], [b0, b1]] = [part(a), part(b)];
      return [concat(bytes.slice(0, a0), bytes.slice(b0, b1), bytes.slice(a1, b0), bytes.slice(a0, a1), bytes.slice(b1)), header];
    }
    case "repeat_part": {
      const [start, end] = part(change.part);
      return [concat(bytes.slice(0, end), bytes.slice(start)), header];
    }
    case "replace_header": {
      const other = fromBase64url(change.header);
      return [concat(other, bytes.slice(header)), other.length];
    }
    case "header_of": {
      const other = fromBase64url(find(change.envelope).header);
      return [concat(other, bytes.slice(header)), other.length];
    }
  }
}
