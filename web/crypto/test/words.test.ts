// Scanned intake: a page signs and opens only what the trusted intake found clean.
import { ed25519 } from "@noble/curves/ed25519.js";
import { describe, expect, it } from "vitest";
import { base64url, utf8 } from "../src/bytes";
import { codeOf } from "../src/errors";
import { fingerprint } from "../src/jws";
import { checkWords, intakeHostOf } from "../src/words";

const DOSSIER = "0d4ee4a0-54a4-4a7c-a2b4-7d5e3f1a9b60";
const file = { fileId: "ab".repeat(16), envelopeHash: "cd".repeat(32), size: 3, parts: 1 };
const clean = { dossier: DOSSIER, file: file.fileId, found: { verdict: "clean", envelope_hash: file.envelopeHash, size: 3, parts: 1 } };
const seed = new Uint8Array(32).fill(7);
const key = new Uint8Array(ed25519.getPublicKey(seed));
const trusted = { url: "https://depot.example.org", key };

async function signed(word: unknown, secret = seed, typ = "sceau-intake-word"): Promise<string> {
  const kid = await fingerprint(new Uint8Array(ed25519.getPublicKey(secret)));
  const input = `${base64url(utf8(`{"alg":"EdDSA","kid":"${kid}","typ":"${typ}"}`))}.${base64url(utf8(JSON.stringify(word)))}`;
  return `${input}.${base64url(new Uint8Array(ed25519.sign(utf8(input), secret)))}`;
}

const code = (words: string[], host: typeof trusted | null = trusted) =>
  checkWords({ dossier: DOSSIER, files: [file], words }, host).then(() => "good", codeOf);

describe("the words of an intake", () => {
  it("are taken from the trusted one, about this very file", async () => {
    expect(await code([await signed(clean)])).toBe("good");
    expect(await code([], null)).toBe("good");
  });

  it("are refused otherwise", async () => {
    const found = clean.found;
    const hostile: string[][] = [
      [],
      [await signed(clean), await signed(clean)],
      ["a.b.c"],
      [await signed(clean, new Uint8Array(32).fill(8))],
      [await signed(clean, seed, "sceau-intake-redemption")],
      [await signed({ ...clean, dossier: "1".repeat(36) })],
      [await signed({ ...clean, file: "00".repeat(16) })],
      [await signed({ ...clean, found: { ...found, envelope_hash: "00".repeat(32) } })],
      [await signed({ ...clean, found: { ...found, size: 4 } })],
      [await signed({ ...clean, found: { ...found, parts: 2 } })],
      [await signed({ ...clean, found: { verdict: "refused", code: "infected" } })],
      [await signed({ ...clean, more: 1 })],
    ];
    for (const words of hostile) expect(await code(words), String(words)).toBe("not_scanned");
    expect(await code([await signed(clean)], null)).toBe("not_scanned");
  });
});

describe("the intake that a scheme names", () => {
  const host = { url: "https://depot.example.org", key: base64url(key) };
  const of = (document: unknown) => intakeHostOf(utf8(JSON.stringify(document)));

  it("is there exactly where documents are scanned", () => {
    expect(of({ intake: "scanned", intake_host: host })).toEqual(trusted);
    expect(of({ intake: "sealed" })).toBeNull();
    expect(of({})).toBeNull();
    const bad = [
      { intake: "scanned" }, { intake_host: host }, { intake: "other" }, { intake: "scanned", intake_host: { ...host, key: "AA" } },
      ...["http://depot.example.org", "https://depot.example.org/", "https://a@b", "depot.example.org", "javascript:1"].map((url) => ({ intake: "scanned", intake_host: { ...host, url } })),
    ];
    for (const document of bad) expect(() => of(document), JSON.stringify(document)).toThrow("scheme_malformed");
    expect(of({ intake: "scanned", intake_host: { ...host, url: "http://depot.localhost:8445" } })?.url).toBe("http://depot.localhost:8445");
  });
});
