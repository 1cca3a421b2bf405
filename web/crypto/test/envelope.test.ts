import { beforeAll, describe, expect, it } from "vitest";
import { CipherSuite, Aes256Gcm, HkdfSha256 } from "@hpke/core";
import { XWing } from "@hpke/hybridkem-x-wing";
import { type Bytes, checkWhole, codeOf, fileIdOf, hex, isFileOf, keyIdHex, Opener, parseHeader, partCount, type PrivateKey, type RecipientKey, Sealer, unwrap } from "../src";
import { fromHex, random } from "../src/bytes";
import { FIRST_PLAINTEXT, NEXT_PLAINTEXT, PART_LENGTH } from "../src/stream";

const code = async (work: Promise<unknown>): Promise<string> => work.then(() => "no error", codeOf);

interface Pair {
  recipient: RecipientKey;
  secret: PrivateKey;
}

async function xwing(): Promise<Pair> {
  const kem = new XWing();
  const suite = new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes256Gcm() });
  const seed = random(32);
  const pair = await kem.generateKeyPairDerand(seed);
  const publicKey = new Uint8Array(await suite.kem.serializePublicKey(pair.publicKey));
  const recipient = { suite: "HPKE-X-Wing", publicKey } as const;
  return { recipient, secret: { suite: "HPKE-X-Wing", id: fromHex(await keyIdHex(recipient)), seed } };
}

async function rsa(bits = 2048): Promise<Pair> {
  const algorithm = { name: "RSA-OAEP", hash: "SHA-256", modulusLength: bits, publicExponent: Uint8Array.of(1, 0, 1) };
  const pair = await crypto.subtle.generateKey(algorithm, true, ["encrypt", "decrypt"]);
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey));
  const recipient = { suite: "RSA-OAEP-256", publicKey } as const;
  return { recipient, secret: { suite: "RSA-OAEP-256", id: fromHex(await keyIdHex(recipient)), key: pair.privateKey } };
}

interface Sealed {
  header: Bytes;
  parts: Bytes[];
  hash: string;
}

async function seal(plaintext: Bytes, recipients: RecipientKey[], name = "bulletin de paie.pdf"): Promise<Sealed> {
  const sealer = await Sealer.create(new Blob([plaintext]), { name, type: "application/pdf" }, recipients);
  const parts: Bytes[] = [];
  for await (const part of sealer.all()) parts.push(part.bytes);
  return { header: sealer.header, parts, hash: await sealer.envelopeHash() };
}

async function open(sealed: Sealed, secret: PrivateKey, parts = sealed.parts.length): Promise<Bytes[]> {
  const cek = await unwrap(parseHeader(sealed.header), secret);
  const opener = await Opener.create({ header: sealed.header, cek, parts, start: sealed.parts[0] ?? random(0) });
  const plain: Bytes[] = [];
  const hashes = new Map<number, Bytes>();
  for (const [index, part] of sealed.parts.entries()) {
    const { plaintext, hash } = await opener.partAndHash(index, part);
    plain.push(plaintext);
    hashes.set(index, hash);
  }
  await checkWhole(parseHeader(sealed.header), parts, hashes, sealed.hash);
  return plain;
}

const text = (size: number): Bytes => new Uint8Array(size).map((_, i) => i % 251);

function flip(bytes: Bytes, at: number): Bytes {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

let hybrid: Pair;
let classic: Pair;
beforeAll(async () => {
  hybrid = await xwing();
  classic = await rsa();
});

describe("what is sealed is what is opened", () => {
  const sizes = [0, 1, 255, FIRST_PLAINTEXT - 1, FIRST_PLAINTEXT, FIRST_PLAINTEXT + 1, FIRST_PLAINTEXT + NEXT_PLAINTEXT];
  it.each(sizes)("%i bytes, in parts of 1 MiB", async (size) => {
    const plaintext = text(size);
    const sealed = await seal(plaintext, [hybrid.recipient]);
    expect(sealed.parts.length).toBe(partCount(size));
    expect(sealed.parts.slice(0, -1).every((part) => part.length === PART_LENGTH)).toBe(true);
    const opened = await open(sealed, hybrid.secret);
    expect(Buffer.concat(opened).equals(Buffer.from(plaintext))).toBe(true);
  });

  it("for two recipients of different suites", async () => {
    const sealed = await seal(new Uint8Array(10), [hybrid.recipient, classic.recipient]);
    expect((await open(sealed, hybrid.secret))[0]).toEqual(new Uint8Array(10));
    expect((await open(sealed, classic.secret))[0]).toEqual(new Uint8Array(10));
  });

  it("with its name and type, whose length does not show", async () => {
    const short = await seal(new Uint8Array(1), [hybrid.recipient], "a");
    const long = await seal(new Uint8Array(1), [hybrid.recipient], "été 🌞 — ".repeat(9));
    expect(short.header.length).toBe(long.header.length);
    const cek = await unwrap(parseHeader(long.header), hybrid.secret);
    const { metadata } = await Opener.create({ header: long.header, cek, parts: 1, start: long.parts[0] ?? random(0) });
    expect(metadata).toEqual({ name: "été 🌞 — ".repeat(9), type: "application/pdf" });
  });

  it("and a part can be sent twice, the same", async () => {
    const sealer = await Sealer.create(new Blob([text(FIRST_PLAINTEXT + 5)]), { name: "a", type: "" }, [hybrid.recipient]);
    const again = await Promise.all([sealer.part(1), sealer.part(1)]);
    expect(again[0].bytes).toEqual(again[1].bytes);
    expect(await code(sealer.envelopeHash())).toBe("stream_truncated");
  });
});

describe("what was altered is refused", () => {
  const size = FIRST_PLAINTEXT + NEXT_PLAINTEXT + 10;
  let sealed: Sealed;
  beforeAll(async () => {
    sealed = await seal(text(size), [hybrid.recipient]);
  });

  it("each byte of the header", async () => {
    const cek = await unwrap(parseHeader(sealed.header), hybrid.secret);
    const start = sealed.parts[0] ?? random(0);
    for (let at = 0; at < sealed.header.length; at += 7) {
      expect(await code(Opener.create({ header: flip(sealed.header, at), cek, parts: 3, start })), `byte ${at}`).toMatch(/^(header_|envelope_commitment)/);
    }
  });

  it("a header that ends early, or late", () => {
    for (const length of [0, 5, 55, 59, 100, sealed.header.length - 1]) {
      expect(() => parseHeader(sealed.header.slice(0, length))).toThrow("header_truncated");
    }
    expect(() => parseHeader(new Uint8Array([...sealed.header, 0]))).toThrow("header_malformed");
  });

  it("a bit of a part, wherever it is", async () => {
    for (const [index, at] of [[0, 0], [0, 20], [0, 39], [0, 4000], [1, 0], [1, PART_LENGTH - 1], [2, 3]] as const) {
      const parts = sealed.parts.with(index, flip(sealed.parts[index] ?? random(1), at));
      expect(await code(open({ ...sealed, parts }, hybrid.secret))).toMatch(/segment_refused|stream_header/);
    }
  });

  it("parts in another order, missing at the end, or of another file", async () => {
    const [a, b, c] = sealed.parts as [Bytes, Bytes, Bytes];
    const other = await seal(text(size), [hybrid.recipient]);
    expect(await code(open({ ...sealed, parts: [b, a, c] }, hybrid.secret))).toMatch(/stream_|segment_refused/);
    expect(await code(open({ ...sealed, parts: [a, b] }, hybrid.secret, 2))).toBe("segment_refused");
    expect(await code(open({ ...sealed, parts: [a, b] }, hybrid.secret, 3))).toBe("stream_truncated");
    expect(await code(open({ ...sealed, parts: [a, b, c, c] }, hybrid.secret, 4))).toMatch(/stream_|segment_refused/);
    expect(await code(open({ ...sealed, parts: [a, other.parts[1] ?? a, c] }, hybrid.secret))).toBe("segment_refused");
  });

  it("a whole file that is not the one that the manifest names", async () => {
    const other = await seal(random(3), [hybrid.recipient]);
    expect(await code(open({ ...other, hash: sealed.hash }, hybrid.secret))).toBe("envelope_hash");
  });

  it("another content key, and a key that is not a recipient's", async () => {
    expect(await code(Opener.create({ header: sealed.header, cek: random(32), parts: 3, start: sealed.parts[0] ?? random(0) }))).toBe("envelope_commitment");
    expect(await code(unwrap(parseHeader(sealed.header), (await xwing()).secret))).toBe("envelope_not_a_recipient");
    const id = hybrid.secret.id;
    expect(await code(unwrap(parseHeader(sealed.header), { suite: "HPKE-X-Wing", id, seed: random(32) }))).toBe("envelope_unwrap");
  });
});

it("a file's id names its dossier, and no other", async () => {
  const dossier = "0d4ee4a0-54a4-4a7c-a2b4-7d5e3f2f0a11";
  const [one, two] = [hex(await fileIdOf(dossier)), hex(await fileIdOf(dossier))];
  expect(one.slice(0, 24)).toBe("69df507e44c1d2d4b8f6315c"); // by printf and sha256sum, as in crates/crypto/src/ids.rs
  expect(one).not.toBe(two);
  expect(await isFileOf(dossier, one)).toBe(true);
  expect(await isFileOf("0d4ee4a0-54a4-4a7c-a2b4-7d5e3f2f0a12", one)).toBe(false);
  expect(await isFileOf(dossier, `${one.slice(0, 23)}d${one.slice(24)}`)).toBe(false);
  const sealer = await Sealer.create(new Blob(["x"]), { name: "x", type: "" }, [hybrid.recipient], fromHex(one));
  expect(sealer.fileId).toBe(one);
});

it("a recipient key that is not one is refused", async () => {
  const blob = new Blob(["x"]);
  for (const recipient of [
    { suite: "RSA-OAEP-256", publicKey: random(294) },
    { suite: "HPKE-X-Wing", publicKey: random(1215) },
    (await rsa(1024)).recipient,
  ] as const) {
    expect(await code(Sealer.create(blob, { name: "x", type: "" }, [recipient]))).toMatch(/^key_/);
  }
});

it("a file that changes while it is sealed never gives two texts under one nonce", async () => {
  const bytes = random(100);
  const changing = { size: 100, slice: () => ({ arrayBuffer: () => Promise.resolve(bytes.slice().buffer) }) } as unknown as Blob;
  const sealer = await Sealer.create(changing, { name: "x", type: "" }, [hybrid.recipient]);
  await sealer.part(0);
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  expect(await code(sealer.part(0))).toBe("file_changed");
});
