import { ed25519 } from "@noble/curves/ed25519.js";
import { describe, expect, it } from "vitest";
import { base64url, fingerprint, fromHex, hex, keyIdHex, sha256, utf8, verifyJws } from "../src";
import { concat, random } from "../src/bytes";
import { codeOf } from "../src/errors";
import { verifyByLibrary, verifyEd25519 } from "../src/jws";
import { clientDataChallenge, loginChallenge } from "../src/passkey";
import { manifestBytes, parseManifest } from "../src/manifest";
import { verifyChain, verifyRecipient, verifyStatement } from "../src/statements";
import { Log } from "./log";

const code = async (work: Promise<unknown>): Promise<string> => work.then(() => "no error", codeOf);
const secret = random(32);
const publicKey = new Uint8Array(ed25519.getPublicKey(secret));
const kid = await fingerprint(publicKey);

function sign(header: string, payload: string, key = secret): string {
  const input = `${base64url(utf8(header))}.${base64url(utf8(payload))}`;
  return `${input}.${base64url(ed25519.sign(utf8(input), key))}`;
}
const exact = (typ: string): string => `{"alg":"EdDSA","kid":"${kid}","typ":"${typ}"}`;

describe("a signature", () => {
  it("of the expected kind by the expected key gives its payload", async () => {
    const payload = await verifyJws(sign(exact("sceau-decision"), "{}"), "sceau-decision", publicKey);
    expect(payload).toEqual(utf8("{}"));
  });

  it.each([
    ["another purpose", exact("sceau-record")],
    ["no algorithm", `{"alg":"none","kid":"${kid}","typ":"sceau-decision"}`],
    ["critical extensions", `{"alg":"EdDSA","kid":"${kid}","typ":"sceau-decision","crit":["b64"],"b64":false}`],
    ["a key of its own", `{"alg":"EdDSA","jwk":{},"kid":"${kid}","typ":"sceau-decision"}`],
    ["another order", `{"kid":"${kid}","alg":"EdDSA","typ":"sceau-decision"}`],
    ["white space", `{"alg": "EdDSA","kid":"${kid}","typ":"sceau-decision"}`],
  ])("with %s in its header is refused, though well signed", async (_, header) => {
    expect(await code(verifyJws(sign(header, "{}"), "sceau-decision", publicKey))).toBe("jws_header");
  });

  it("by another key, or altered, is refused", async () => {
    expect(await code(verifyJws(sign(exact("sceau-decision"), "{}", random(32)), "sceau-decision", publicKey))).toBe("jws_signature");
    const [h, , s] = sign(exact("sceau-decision"), "{}").split(".");
    expect(await code(verifyJws(`${h}.${base64url(utf8("[]"))}.${s}`, "sceau-decision", publicKey))).toBe("jws_signature");
    expect(await code(verifyJws(`${h}.${s}`, "sceau-decision", publicKey))).toBe("jws_malformed");
  });

  // RFC 8032 section 7.1, test 3.
  it("is judged alike by the browser and the library", async () => {
    const key = fromHex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
    const signature = fromHex(
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    );
    const message = fromHex("af82");
    for (const [m, expected] of [[message, true], [fromHex("af83"), false]] as const) {
      expect(await verifyEd25519(key, signature, m)).toBe(expected);
      expect(verifyByLibrary(key, signature, m)).toBe(expected);
    }
    expect(verifyByLibrary(random(32).fill(0xff), signature, message)).toBe(false);
    expect(await verifyEd25519(random(32).fill(0xff), signature, message)).toBe(false);
  });
});

describe("a key statement", () => {
  const organisation = "3f8e6a1c-0000-4000-8000-000000000001";
  async function statement(change: Record<string, unknown> = {}): Promise<string> {
    const recipient = { suite: "HPKE-X-Wing", publicKey: new Uint8Array(1216) } as const;
    const fields = {
      v: 1, organisation, use: "encrypt", suite: "HPKE-X-Wing", key_id: await keyIdHex(recipient),
      public_key: base64url(recipient.publicKey), not_before: 10, not_after: 20, predecessor: null, serial: 1,
      key_manager: "https://cles.localhost", root_key: base64url(publicKey), ...change,
    };
    return sign(exact("sceau-key-statement"), JSON.stringify(fields));
  }

  it("is its root's word for its organisation", async () => {
    const read = await verifyStatement(await statement(), organisation, kid);
    expect(read.suite).toBe("HPKE-X-Wing");
    expect(hex(await sha256(utf8(""))).length).toBe(64);
  });

  it("of another root, organisation or key id is refused", async () => {
    expect(await code(verifyStatement(await statement(), organisation, "00".repeat(32)))).toBe("statement_wrong_root");
    expect(await code(verifyStatement(await statement(), "another", kid))).toBe("statement_wrong_organisation");
    expect(await code(verifyStatement(await statement({ key_id: "00".repeat(32) }), organisation, kid))).toBe("statement_wrong_key_id");
    expect(await code(verifyStatement(await statement({ serial: -1 }), organisation, kid))).toBe("statement_malformed");
    const other = random(32);
    const rootKey = base64url(new Uint8Array(ed25519.getPublicKey(other)));
    expect(await code(verifyStatement(await statement({ root_key: rootKey }), organisation, kid))).toBe("statement_wrong_root");
  });

  it("names a recipient only while it is in force, and only when this very statement is in the log", async () => {
    const jws = await statement();
    const { payload } = await verifyStatement(jws, organisation, kid);
    const log = await Log.create();
    const attested = { hash: hex(await sha256(payload)), id: `${organisation}/encrypt`, kind: "key-statement", previous: null, version: 1 };
    const indices = [attested, { ...attested, hash: "00".repeat(32) }, { ...attested, id: `${organisation}/sign` }, null].map((each) =>
      log.append({ action: "key.publish", asserted: "organisation", attested: each }),
    );
    const refusedIndex = log.append({ action: "key.publish", asserted: "organisation", attested, outcome: "refused", code: "statement_refused" });
    // The platform alone, an administrator's passkey or the element may say so: only the organisation's own word counts.
    const others = (["platform", "passkey", "element"] as const).map((asserted) => log.append({ action: "key.publish", asserted, attested }));
    const [good, ...bad] = await Promise.all([...indices, refusedIndex, ...others].map((index) => log.evidence(index)));
    const ask = (evidence: unknown, now = 15, logKey = log.vkey): Promise<unknown> =>
      verifyRecipient({ statementJws: jws, evidence, rootFingerprint: kid }, { organisation, logKey, now });

    expect(await code(ask(good))).toBe("no error");
    for (const evidence of bad) expect(await code(ask(evidence))).toBe("evidence.wrong_subject");
    expect(await code(ask(good, 9))).toBe("statement_not_current");
    expect(await code(ask(good, 20))).toBe("statement_not_current");
    expect(await code(ask(good, 15, (await Log.create()).vkey))).toBe("evidence.other_log");
    expect(await code(ask({ ...good, index: 1 }))).toMatch(/^proof\./);
  });

  it("follows the one before it", async () => {
    const first = await verifyStatement(await statement(), organisation, kid);
    const second = { ...first, serial: 2, predecessor: first.keyId };
    expect(() => verifyChain([first, second])).not.toThrow();
    expect(() => verifyChain([first, { ...second, serial: 3 }])).toThrow("statement_broken_chain");
    expect(() => verifyChain([first, { ...second, predecessor: null }])).toThrow("statement_broken_chain");
  });
});

describe("a manifest", () => {
  const file = { fileId: "ab".repeat(16), envelopeHash: "cd".repeat(32), size: 3, parts: 1 };
  const manifest = {
    dossier: "d", organisation: "o", scheme: "s", formHash: "00".repeat(32), publicAnswers: { a: "b", n: 1, c: true },
    sealedAnswers: file.envelopeHash, files: [file], keyId: "11".repeat(32), created: 5, words: [] as string[],
  };

  it("is these bytes and no others, and is read back", () => {
    const bytes = manifestBytes(manifest);
    expect(Buffer.from(bytes).toString()).toBe(
      `{"v":1,"dossier":"d","organisation":"o","scheme":"s","form_hash":"${"00".repeat(32)}","answers":{"public":{"a":"b","n":1,"c":true},` +
        `"sealed":{"envelope_hash":"${file.envelopeHash}"}},"files":[{"file_id":"${file.fileId}","envelope_hash":"${file.envelopeHash}",` +
        `"size":3,"parts":1}],"key_id":"${"11".repeat(32)}","created":5}`,
    );
    expect(parseManifest(bytes)).toEqual(manifest);
    const scanned = { ...manifest, words: ["a.b.c"] };
    expect(parseManifest(manifestBytes(scanned))).toEqual(scanned);
    expect(Buffer.from(manifestBytes(scanned)).toString()).toContain(`"created":5,"words":["a.b.c"]}`);
  });

  it("is refused when its sealed answers are not among its files, or a field is not what it should be", () => {
    expect(() => manifestBytes({ ...manifest, sealedAnswers: "ee".repeat(32) })).toThrow("manifest_malformed");
    const text = Buffer.from(manifestBytes(manifest)).toString();
    for (const [from, to] of [[`"sealed":{"envelope_hash":"cd`, `"sealed":{"envelope_hash":"ef`], ['"v":1', '"v":2'], ['"size":3', '"size":-3'], ['"a":"b"', '"a":{}'], ["abab", "ABAB"]] as const) {
      expect(() => parseManifest(utf8(text.replace(from, to))), to).toThrow("manifest_malformed");
    }
  });
});

it("the challenge of a passkey proof is made as specified", async () => {
  const nonce = new Uint8Array(32).fill(7);
  const agreed = await sha256(concat(utf8("manifest"), Uint8Array.of(0), utf8("{}")));
  const expected = await sha256(concat(utf8("sceau/passkey-proof"), Uint8Array.of(0), nonce, agreed));
  expect(await clientDataChallenge("manifest", utf8("{}"), nonce)).toBe(base64url(expected));
});

describe("a sign-in", () => {
  // The same bytes as in crates/element-api/src/proof/challenge.rs.
  it("signs a hash of its own, never the server's bytes as they came", async () => {
    expect(hex(await loginChallenge(new Uint8Array(32).fill(7)))).toBe("d1a4da833d1f0b99d63c89882dd242b1608417363b1167e2ebdbdfc7a6432aff");
  });
});
