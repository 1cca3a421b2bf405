// What must hold in every engine, as named cases that throw when they fail. Runs in Node and in a browser.
import { base64url, type Bytes, concat, fromBase64url, fromUtf8, PipedEnvelope, random, utf8 } from "@sceau/crypto/envelope";
import { concatKdf } from "../src/concat-kdf.js";
import { ProtectError } from "../src/errors.js";
import { Content, type ContentKey, DataKey, drawSigningKey, type KeyAnswer, type OpenedContent, Session, type SessionCurve, type SessionKey, type SigningAlgorithm } from "../src/index.js";
import { type Agreement, decrypt } from "../src/jwe.js";
import { sign } from "../src/signer.js";
import joserfc from "./joserfc.json";

export interface Case {
  readonly name: string;
  readonly run: () => Promise<void>;
}

const CURVES: SessionCurve[] = ["P-256", "X25519"];
const ALGORITHMS: SigningAlgorithm[] = ["ES256", "EdDSA", "PS256", "RS256"];
const DATUM = base64url(new Uint8Array(32).fill(1));
const CALL = "this-call-0123456";
const WRAPPED = base64url(new Uint8Array(60).fill(3));

export const cases: Case[] = [
  { name: "RFC 7518 appendix C", run: appendixC },
  ...joserfc.map(({ key, message, content }) => ({
    name: `what joserfc encrypts to ${key.crv} is read`,
    run: async () => same(fromUtf8(await decrypt(message, "sceau-data-key", await agreement(key))), content),
  })),
  { name: "a message that was altered, or demands what is not done, is refused", run: altered },
  ...CURVES.map((crv) => ({ name: `a session of ${crv} opens its answer, once`, run: () => once(crv) })),
  { name: "an answer of another call, datum or session is none", run: others },
  { name: "of answers to many each is for its place", run: places },
  ...ALGORITHMS.map((alg) => ({ name: `a call is signed by ${alg}`, run: () => signed(alg) })),
  { name: "no two texts have one vector", run: vectors },
  { name: "a field that was altered does not open", run: fields },
  { name: "a signed content goes through, and nothing is decrypted of one that is not what was signed", run: contents },
  { name: "a file goes through, and one that was altered does not", run: files },
];

function same(actual: unknown, expected: unknown): void {
  const [a, e] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== e) throw new Error(`expected ${e}, got ${a}`);
}

async function refused(work: Promise<unknown>, code: string): Promise<void> {
  const said = await work.then(
    () => "no error",
    (error: unknown) => (error instanceof ProtectError ? error.code : String(error)),
  );
  same(said, code);
}

async function agreement(key: { kty: string; crv: string; x: string; y?: string; d: string }): Promise<Agreement> {
  const [kty, crv] = [key.kty as Agreement["kty"], key.crv as SessionCurve];
  const algorithm = kty === "EC" ? { name: "ECDH", namedCurve: crv } : { name: crv };
  return { kty, crv, privateKey: await crypto.subtle.importKey("jwk", key, algorithm, false, ["deriveBits"]) };
}

async function appendixC(): Promise<void> {
  const alice = { kty: "EC", crv: "P-256", x: "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0", y: "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps" };
  const bob = {
    kty: "EC",
    crv: "P-256",
    x: "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
    y: "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
    d: "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw",
  };
  const theirs = await crypto.subtle.importKey("jwk", alice, { name: "ECDH", namedCurve: "P-256" }, false, []);
  const { privateKey } = await agreement(bob);
  const shared = new Uint8Array(await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, privateKey, 256));
  same(shared.slice(0, 3), new Uint8Array([158, 86, 217])); // Z, as the RFC prints it
  const key = await concatKdf({ shared, algorithm: "A128GCM", partyU: utf8("Alice"), partyV: utf8("Bob"), length: 16 });
  same(base64url(key), "VqqN6vgjbSBcIijNcacQGg");
  same(shared, new Uint8Array(32));
}

async function altered(): Promise<void> {
  for (const { key, message } of joserfc) {
    const to = await agreement(key);
    const parts = message.split(".");
    for (const [at, code] of [[2, "answer_unproven"], [3, "answer_unproven"], [4, "answer_unproven"]] as const) {
      const bytes = fromBase64url(parts[at] ?? "");
      bytes[0] = (bytes[0] ?? 0) ^ 1;
      await refused(decrypt(parts.with(at, base64url(bytes)).join("."), "sceau-data-key", to), code);
    }
    const header = JSON.parse(fromUtf8(fromBase64url(parts[0] ?? ""))) as { epk: object };
    const wrong = [
      { ...header, zip: "DEF" },
      { ...header, crit: ["b64"] },
      { ...header, jku: "https://elsewhere.example" },
      { ...header, alg: "dir" },
      { ...header, enc: "A128GCM" },
      { ...header, typ: "JWT" },
      { ...header, epk: { ...header.epk, crv: "P-384" } },
      { ...header, epk: { ...header.epk, x: "AA" } },
      { ...header, epk: undefined },
    ];
    for (const one of wrong) {
      await refused(decrypt(parts.with(0, base64url(utf8(JSON.stringify(one)))).join("."), "sceau-data-key", to), "answer_malformed");
    }
    for (const one of ["", message.slice(0, 40), `${message}.`, parts.with(1, "AAAA").join("."), "a".repeat(20_000)]) {
      await refused(decrypt(one, "sceau-data-key", to), "answer_malformed");
    }
    const stranger = joserfc.find((other) => other.key.crv !== key.crv);
    await refused(decrypt(stranger?.message ?? "", "sceau-data-key", to), "answer_malformed");
  }
}

/** What the element does: a JWE to a session's key (RFC 7518 section 4.6), written with the engine's own cryptography. */
async function encrypt(session: SessionKey, content: object): Promise<string> {
  const algorithm = session.jwk.kty === "EC" ? { name: "ECDH", namedCurve: "P-256" } : { name: "X25519" };
  const ours = (await crypto.subtle.generateKey(algorithm, true, ["deriveBits"])) as CryptoKeyPair;
  const theirs = await crypto.subtle.importKey("jwk", { ...session.jwk }, algorithm, false, []);
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", ours.publicKey);
  const header = base64url(utf8(JSON.stringify({ alg: "ECDH-ES", enc: "A256GCM", typ: "sceau-data-key", epk: { kty, crv, x, y } })));
  const shared = new Uint8Array(await crypto.subtle.deriveBits({ name: algorithm.name, public: theirs }, ours.privateKey, 256));
  const none = new Uint8Array(0);
  const raw = await concatKdf({ shared, algorithm: "A256GCM", partyU: none, partyV: none, length: 32 });
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt"]);
  const iv = random(12);
  const gcm = { name: "AES-GCM", iv, additionalData: utf8(header) };
  const sealed = new Uint8Array(await crypto.subtle.encrypt(gcm, key, utf8(JSON.stringify(content))));
  return [header, "", base64url(iv), base64url(sealed.subarray(0, -16)), base64url(sealed.subarray(-16))].join(".");
}

const K = base64url(new Uint8Array(32).fill(7));
const IV = base64url(new Uint8Array(12).fill(9));

async function answerTo(session: Session, content: object = {}, begun = true): Promise<KeyAnswer> {
  const dataKey = await encrypt(session.publicKey, { kty: "oct", alg: "A256GCM", k: K, iv: IV, kid: DATUM, call: CALL, ...content });
  return { datum: DATUM, call: CALL, dataKey, wrappedKey: WRAPPED, begun, index: 1 };
}

async function dataKey(fresh: boolean): Promise<DataKey> {
  const session = await Session.draw();
  return session.open(await answerTo(session, {}, fresh));
}

async function once(crv: SessionCurve): Promise<void> {
  const session = await Session.draw(crv);
  const answer = await answerTo(session);
  const field = await (await (await session.open(answer)).forFields()).seal("x");
  same([field.datum, field.wrappedKey, field.iv], [DATUM, WRAPPED, IV]);
  await refused(session.open(answer), "session_used");
}

async function others(): Promise<void> {
  const wrong: [object, string][] = [
    [{ call: "last-call-0123456" }, "answer_unproven"],
    [{ kid: base64url(random(32)) }, "answer_unproven"],
    [{ k: base64url(random(16)) }, "answer_malformed"],
    [{ iv: base64url(random(16)) }, "answer_malformed"],
    [{ k: undefined }, "answer_malformed"],
  ];
  for (const [content, code] of wrong) {
    const session = await Session.draw();
    await refused(session.open(await answerTo(session, content)), code);
  }
  const [one, two] = [await Session.draw(), await Session.draw()];
  await refused(one.open(await answerTo(two)), "answer_unproven");
}

async function places(): Promise<void> {
  const at = async (session: Session, encrypted: number | undefined, said: number | undefined): Promise<KeyAnswer> => {
    const answer = await answerTo(session, encrypted === undefined ? {} : { item: encrypted });
    return said === undefined ? answer : { ...answer, item: said };
  };
  const session = await Session.draw();
  const refusal = new ProtectError("user_not_authorised", "caller");
  const keys = await session.openAll([await at(session, 0, 0), refusal, await at(session, 2, 2)]);
  same([keys.length, keys[1], keys.filter((key) => key instanceof DataKey).length], [3, refusal, 2]);
  await refused(session.openAll([]), "session_used");
  for (const [encrypted, said] of [[1, 0], [undefined, 0], [0, undefined]]) {
    const other = await Session.draw();
    await refused(other.openAll([await at(other, encrypted, said)]), "answer_unproven");
  }
}

async function signed(alg: SigningAlgorithm): Promise<void> {
  const { key, jwk } = await drawSigningKey(alg, "2026-a");
  same(key.key.extractable, false);
  const jws = await sign(key, "sceau-protect-call", utf8("{}"));
  const [header, payload, signature] = jws.split(".") as [string, string, string];
  same(JSON.parse(fromUtf8(fromBase64url(header))), { alg, kid: "2026-a", typ: "sceau-protect-call" });
  const verify = { ES256: { name: "ECDSA", hash: "SHA-256", namedCurve: "P-256" }, EdDSA: { name: "Ed25519" }, PS256: { name: "RSA-PSS", hash: "SHA-256", saltLength: 32 }, RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } }[alg];
  const theirs = await crypto.subtle.importKey("jwk", { ...jwk }, verify, false, ["verify"]);
  same(await crypto.subtle.verify(verify, theirs, fromBase64url(signature), utf8(`${header}.${payload}`)), true);
  same(await crypto.subtle.verify(verify, theirs, fromBase64url(signature), utf8(`${header}.${payload}x`)), false);
}

async function vectors(): Promise<void> {
  for (const fresh of [true, false]) {
    const key = await (await dataKey(fresh)).forFields();
    const sealed = await Promise.all(["one", "two", "three"].map((text) => key.seal(text)));
    same(new Set(sealed.map(({ iv }) => iv)).size, 3);
    // Of a key that was asked for again, the vector was used by whoever began the datum.
    same(sealed.some(({ iv }) => iv === IV), fresh);
    for (const [at, text] of ["one", "two", "three"].entries()) same(fromUtf8(await key.open(sealed[at] as (typeof sealed)[0])), text);
  }
}

async function fields(): Promise<void> {
  const key = await (await dataKey(true)).forFields();
  const field = await key.seal("Metformine 500 mg");
  const { datum, wrappedKey, ciphertext } = field;
  same(fromUtf8(await key.open({ datum, wrappedKey, ciphertext })), "Metformine 500 mg");
  const flip = (text: string): string => base64url(fromBase64url(text).map((byte, at) => (at === 0 ? byte ^ 1 : byte)));
  const other = await key.seal("another");
  const wrong = [
    { ...field, ciphertext: flip(field.ciphertext) },
    { ...field, ciphertext: "" },
    { ...field, ciphertext: "§" },
    { ...field, iv: flip(field.iv ?? "") },
    { ...field, iv: other.iv ?? "" },
    { ...field, datum: flip(field.datum) },
  ];
  for (const one of wrong) await refused(key.open(one), "field_refused");
}

const CBC_IV = new Uint8Array(16).fill(9);

/** What the element signs of a content; the element alone verifies it. */
const signatureOf = (datum: string, digest: string): string =>
  `${base64url(utf8("{}"))}.${base64url(utf8(JSON.stringify({ iss: "log", iat: 1, datum, sha256: digest })))}.c2lnbmF0dXJl`;

async function contentKey(): Promise<ContentKey> {
  const session = await Session.draw();
  return session.openForContent(await answerTo(session, { alg: "A256CBC", iv: base64url(CBC_IV), permit: "cGVybWl0" }));
}

async function openContent(message: Bytes, iv = CBC_IV, asked: Partial<KeyAnswer> = {}): Promise<OpenedContent> {
  const content = await Content.read(new Blob([message]));
  const session = await Session.draw();
  const { datum, wrappedKey, signature } = content;
  const answer = { ...(await answerTo(session, { iv: base64url(iv) }, false)), datum, wrappedKey, content: signature };
  return session.openContent({ ...answer, ...asked }, content);
}

async function contents(): Promise<void> {
  for (const length of [0, 1, 15, 16, 17, 1_000_001]) {
    const bytes = new Uint8Array(length).map((_, at) => at % 251);
    const key = await contentKey();
    const { toSign, signed } = await key.seal(new Blob([bytes]), { name: "bulletin é.pdf", type: "application/pdf" });
    same([toSign.datum, toSign.permit], [DATUM, "cGVybWl0"]);
    await refused(key.seal(new Blob([bytes]), { name: "a" }), "data_key_used");
    const message = new Uint8Array(await signed(signatureOf(DATUM, toSign.sha256)).arrayBuffer());
    const opened = await openContent(message);
    same([opened.datum, opened.name, opened.type, opened.content.length], [DATUM, "bulletin é.pdf", "application/pdf", length]);
    same(opened.content.every((byte, at) => byte === at % 251), true);
    await refused(openContent(message, new Uint8Array(16)), "content_invalid");
    if (length === 17) await notAsSigned(message, toSign, signed);
  }
  const session = await Session.draw();
  await refused(session.openForContent(await answerTo(session)), "answer_malformed");
}

/** Whoever alters a message without the element's key has not even its padding tried. */
async function notAsSigned(message: Bytes, { sha256 }: { sha256: string }, signed: (signature: string) => Blob): Promise<void> {
  const decrypt = crypto.subtle.decrypt.bind(crypto.subtle);
  let decrypted = 0;
  crypto.subtle.decrypt = (algorithm, ...more) => {
    decrypted += (algorithm as Algorithm).name === "AES-CBC" ? 1 : 0;
    return decrypt(algorithm, ...more);
  };
  try {
    const unsigned = message.length - 2 - (message.at(-2) ?? 0) * 256 - (message.at(-1) ?? 0);
    for (let at = 0; at < unsigned; at += 7) await refused(openContent(message.map((byte, place) => (place === at ? byte ^ 1 : byte))), "content_invalid");
    for (const one of [message.slice(0, -1), message.slice(16), concat(message, Uint8Array.of(0)), message.slice(0, unsigned), new Uint8Array(0), new Uint8Array(600)]) {
      await refused(openContent(one), "content_invalid");
    }
    // Who has the key makes a whole one; the element was asked about another's signature, or about none.
    const unlike: Partial<KeyAnswer>[] = [{ content: signatureOf(DATUM, sha256).replace("c2ln", "b3du") }, { content: "" }, { wrappedKey: DATUM }, { datum: WRAPPED }];
    for (const asked of unlike) await refused(openContent(message, CBC_IV, asked), "answer_unproven");
    same(decrypted, 0);
  } finally {
    crypto.subtle.decrypt = decrypt;
  }
  const other = base64url(new Uint8Array(32));
  for (const signature of ["", "a.b.c", signatureOf(other, sha256), signatureOf(DATUM, other)]) {
    await refused((async () => Promise.resolve(signed(signature)))(), "answer_unproven");
  }
}

async function files(): Promise<void> {
  const content = new Uint8Array(2_500_000).map((_, at) => at % 251);
  const sealing = await dataKey(true);
  const sealed = await whole(await sealing.sealFile(new Blob([content]), { name: "bulletin.pdf" }));
  await refused(sealing.forFields(), "data_key_used");
  const open = async (bytes: Bytes): Promise<Bytes> => {
    const opened = await (await dataKey(false)).openEnvelope(await PipedEnvelope.read(new Blob([bytes]).stream()));
    same([opened.name, opened.type, opened.datum], ["bulletin.pdf", "application/octet-stream", DATUM]);
    return whole(opened.content);
  };
  const opened = await open(sealed);
  same([opened.length, opened.every((byte, at) => byte === at % 251)], [content.length, true]);
  await refused(open(sealed.slice(0, -1)), "segment_refused");
  await refused(open(sealed.map((byte, at) => (at === 100 ? byte ^ 1 : byte))), "header_forged");
}

async function whole(stream: ReadableStream<Bytes>): Promise<Bytes> {
  const all: Bytes[] = [];
  const reader = stream.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) all.push(read.value);
  return concat(...all);
}
