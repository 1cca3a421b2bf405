/** An organisation with a root and a recipient key whose private half is thrown away: nobody reads what tests deposit. */
import { Aes256Gcm, CipherSuite, HkdfSha256 } from "@hpke/core";
import { XWing } from "@hpke/hybridkem-x-wing";
import { ed25519 } from "@noble/curves/ed25519.js";
import { base64url, fingerprint, hex, keyIdHex, sha256, utf8 } from "@sceau/crypto";

export const MAIRIE = "3f0c1d2e-5a6b-4c7d-8e9f-0a1b2c3d4e5f";

export interface MockOrganisation { id: string; name: string; fingerprint: string; statementJws: string; statementHash: string; keyId: string; intake: { url: string; key: string } }

export async function organisation({ id, name, intake }: { id: string; name: string; intake: string }, seedByte: number, now: number): Promise<MockOrganisation> {
  const secret = new Uint8Array(32).fill(seedByte);
  const root = new Uint8Array(ed25519.getPublicKey(secret));
  const kid = await fingerprint(root);
  const suite = new CipherSuite({ kem: new XWing(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
  const pair = await suite.kem.generateKeyPair();
  const publicKey = new Uint8Array(await suite.kem.serializePublicKey(pair.publicKey));
  const day = 86_400_000;
  const keyId = await keyIdHex({ suite: "HPKE-X-Wing", publicKey });
  const payload = JSON.stringify({
    v: 1, organisation: id, use: "encrypt", suite: "HPKE-X-Wing", key_id: keyId,
    public_key: base64url(publicKey), not_before: now - 30 * day, not_after: now + 150 * day, predecessor: null, serial: 1,
    key_manager: "https://cles.localhost:8443", root_key: base64url(root),
  });
  const input = `${base64url(utf8(`{"alg":"EdDSA","kid":"${kid}","typ":"sceau-key-statement"}`))}.${base64url(utf8(payload))}`;
  const statementJws = `${input}.${base64url(new Uint8Array(ed25519.sign(utf8(input), secret)))}`;
  return { id, name, fingerprint: kid, statementJws, statementHash: hex(await sha256(utf8(payload))), keyId, intake: { url: intake, key: base64url(root) } };
}
