// Keys that OpenSSL made, in the forms in which people have them; and what OpenSSL says of them.
import { execFileSync } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { codeOf } from "../src/errors";
import { readPublicKey } from "../src/public-key";

const folder = mkdtempSync(join(tmpdir(), "sceau-public-key-"));
afterAll(() => rmSync(folder, { recursive: true }));
const openssl = (words: string[], input?: string | Buffer): Buffer => execFileSync("openssl", words, { input, stdio: ["pipe", "pipe", "ignore"] });

function made(...words: string[]): { priv: string; pem: string; jwk: Record<string, string>; fingerprint: string } {
  const priv = openssl(["genpkey", ...words]).toString();
  const pem = openssl(["pkey", "-pubout"], priv).toString();
  const digest = openssl(["sha256", "-r"], openssl(["pkey", "-pubin", "-outform", "DER"], pem)).toString();
  return { priv, pem, jwk: createPublicKey(pem).export({ format: "jwk" }) as Record<string, string>, fingerprint: digest.slice(0, 64) };
}
const ec = made("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256");
const ed = made("-algorithm", "ED25519");
const rsa = made("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048");
const refused = (text: string) => readPublicKey(text).then(() => "read", codeOf);

describe("a public key", () => {
  it.each([
    ["P-256", ec, ["ES256"]],
    ["Ed25519", ed, ["EdDSA"]],
    ["RSA", rsa, ["PS256", "RS256"]],
  ] as const)("%s is the same from PEM and from JWK, under the fingerprint that OpenSSL says", async (_, key, algorithms) => {
    const [one, other] = [await readPublicKey(`key of the application:\n${key.pem}`), await readPublicKey(JSON.stringify(key.jwk))];
    expect(one).toEqual(other);
    expect(one.jwk).toEqual(key.jwk);
    expect(one.algorithms).toEqual(algorithms);
    expect(one.fingerprint).toBe(key.fingerprint);
    expect(one.kid).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
  });

  it("keeps the name that its JWK has, where that can name it", async () => {
    expect((await readPublicKey(JSON.stringify({ ...ec.jwk, kid: "2026-a" }))).kid).toBe("2026-a");
    expect((await readPublicKey(JSON.stringify({ keys: [{ ...ed.jwk, kid: "2026-b" }] }))).kid).toBe("2026-b");
    expect((await readPublicKey(JSON.stringify({ ...ec.jwk, kid: "a name" }))).kid).toBe((await readPublicKey(ec.pem)).kid);
  });

  it("has the thumbprint of RFC 7638 for a name: the RFC's own example", async () => {
    const n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    expect((await readPublicKey(JSON.stringify({ kty: "RSA", n, e: "AQAB", alg: "RS256" }))).kid).toBe("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  });
});

describe("what is refused", () => {
  it("a private key, in any form", async () => {
    const secret = createPublicKey(ec.pem).export({ format: "jwk" });
    for (const text of [ec.priv, ed.priv, rsa.priv, JSON.stringify({ ...secret, d: "AA" }), ec.pem + ec.priv, '{"kty":"oct","k":"AA"}']) expect(await refused(text)).toBe("public_key_private");
  });

  it("a key of another kind", async () => {
    const p384 = made("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384");
    const small = made("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024");
    for (const text of [p384.pem, JSON.stringify(p384.jwk), made("-algorithm", "X25519").pem, small.pem, JSON.stringify(small.jwk), "ssh-ed25519 AAAA me", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----"]) {
      expect(await refused(text)).toBe("public_key_kind");
    }
  });

  it("what is no key", async () => {
    const point = { ...ec.jwk, y: ec.jwk["x"] };
    for (const text of ["", "hello", "{", "[]", '{"kty":"EC","crv":"P-256"}', JSON.stringify(point), ec.pem + ed.pem, "-----BEGIN PUBLIC KEY-----\nA\n-----END PUBLIC KEY-----", '{"kty":"OKP","crv":"Ed25519","x":"AA"}']) {
      expect(await refused(text), text).toBe("public_key_unreadable");
    }
  });
});
