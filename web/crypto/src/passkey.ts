// Proofs by passkey: the challenge is the hash of what is being agreed to and of a nonce that the element gave.
import { type Bytes, base64url, concat, fromBase64url, sha256, utf8 } from "./bytes";
import { SceauError } from "./errors";

export type ProofKind = "manifest" | "organisation" | "scheme" | "account" | "credential" | (string & {});

export interface PasskeyProof {
  readonly type: "passkey";
  readonly credential_id: string;
  readonly authenticator_data: string;
  readonly client_data_json: string;
  readonly signature: string;
  readonly nonce: string;
}

export type Proof = PasskeyProof | { readonly type: "platform-asserted" };

/** SHA-256("sceau/passkey-proof" ‖ 00 ‖ nonce (32) ‖ SHA-256(kind ‖ 00 ‖ payload)). */
export async function proofChallenge(kind: ProofKind, payload: Bytes, nonce: Bytes): Promise<Bytes> {
  if (nonce.length !== 32) throw new SceauError("bad_encoding", "nonce length");
  const agreed = await sha256(utf8(kind), Uint8Array.of(0), payload);
  return sha256(utf8("sceau/passkey-proof\0"), nonce, agreed);
}

/** SHA-256("sceau/passkey-login" ‖ 00 ‖ given): what a sign-in signs. The server's bytes as they came could be the challenge of a proof. */
export async function loginChallenge(given: Bytes): Promise<Bytes> {
  return sha256(utf8("sceau/passkey-login\0"), given);
}

/** Asks the person to sign these bytes with their passkey. `nonce` is base64url, as a prepare call returns it. */
export async function provePasskey(request: {
  kind: ProofKind;
  payload: Bytes;
  nonce: string;
  rpId?: string;
  credentialIds?: readonly string[]; // base64url; none lets the person choose
}): Promise<PasskeyProof> {
  const challenge = await proofChallenge(request.kind, request.payload, fromBase64url(request.nonce));
  // Outside a secure context there is none, whatever the types say.
  if (!("credentials" in navigator)) throw new SceauError("passkey_unavailable");
  let credential: Credential | null;
  try {
    credential = await navigator.credentials.get({
      publicKey: {
        challenge,
        userVerification: "required",
        timeout: 120_000,
        ...(request.rpId ? { rpId: request.rpId } : {}),
        allowCredentials: (request.credentialIds ?? []).map((id) => ({ type: "public-key", id: fromBase64url(id) })),
      },
    });
  } catch (cause) {
    throw new SceauError("passkey_refused", "", { cause });
  }
  const response = credential instanceof PublicKeyCredential ? credential.response : null;
  if (!(response instanceof AuthenticatorAssertionResponse) || !credential) throw new SceauError("passkey_refused");
  return {
    type: "passkey",
    credential_id: credential.id,
    authenticator_data: base64url(new Uint8Array(response.authenticatorData)),
    client_data_json: base64url(new Uint8Array(response.clientDataJSON)),
    signature: base64url(new Uint8Array(response.signature)),
    nonce: request.nonce,
  };
}

/** The challenge as the browser writes it into clientDataJSON. */
export async function clientDataChallenge(kind: ProofKind, payload: Bytes, nonce: Bytes): Promise<string> {
  return base64url(await proofChallenge(kind, payload, nonce));
}

/** Bytes to sign by a machine that stands in for an authenticator (tests). */
export const signedByAuthenticator = async (authenticatorData: Bytes, clientDataJson: Bytes): Promise<Bytes> =>
  concat(authenticatorData, await sha256(clientDataJson));
