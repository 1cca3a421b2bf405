/** WebAuthn between the browser's buffers and the platform's JSON (WebAuthn Level 3, section 5.1). No decision is taken here. */
import { base64url, fromBase64url, SceauError } from "@sceau/crypto";

interface Descriptor { type: "public-key"; id: string; transports?: AuthenticatorTransport[] }

export interface CreationOptions {
  rp: PublicKeyCredentialRpEntity;
  user: { id: string; name: string; displayName: string };
  challenge: string;
  pubKeyCredParams: PublicKeyCredentialParameters[];
  timeout?: number;
  excludeCredentials?: Descriptor[];
  authenticatorSelection?: AuthenticatorSelectionCriteria;
  attestation?: AttestationConveyancePreference;
}

export interface RequestOptions {
  challenge: string;
  rpId?: string;
  timeout?: number;
  allowCredentials?: Descriptor[];
  userVerification?: UserVerificationRequirement;
}

/** An assertion as the platform takes it; all texts are base64url. */
export interface Assertion {
  readonly id: string;
  readonly response: { readonly clientDataJSON: string; readonly authenticatorData: string; readonly signature: string; readonly userHandle: string | null };
}

export const passkeysWork = (): boolean => typeof PublicKeyCredential === "function";

/** Makes a passkey. Throws `passkey_refused` when the person or the device declines. */
export async function create(options: CreationOptions): Promise<unknown> {
  const credential = await asked(() => navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: fromBase64url(options.challenge),
      user: { ...options.user, id: fromBase64url(options.user.id) },
      excludeCredentials: (options.excludeCredentials ?? []).map(described),
    },
  }));
  const response = credential.response as AuthenticatorAttestationResponse;
  return {
    ...names(credential),
    response: { clientDataJSON: text(response.clientDataJSON), attestationObject: text(response.attestationObject) },
  };
}

/** Asks for any passkey of this site. */
export async function get(options: RequestOptions): Promise<Assertion> {
  const { allowCredentials, challenge, ...rest } = options;
  const credential = await asked(() => navigator.credentials.get({
    publicKey: { ...rest, challenge: fromBase64url(challenge), allowCredentials: (allowCredentials ?? []).map(described) },
  }));
  const response = credential.response as AuthenticatorAssertionResponse;
  return {
    ...names(credential),
    response: {
      clientDataJSON: text(response.clientDataJSON),
      authenticatorData: text(response.authenticatorData),
      signature: text(response.signature),
      userHandle: response.userHandle ? text(response.userHandle) : null,
    },
  };
}

async function asked(ask: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  if (!passkeysWork()) throw new SceauError("passkey_unavailable");
  let credential: Credential | null;
  try {
    credential = await ask();
  } catch (cause) {
    throw new SceauError("passkey_refused", "", { cause });
  }
  if (!(credential instanceof PublicKeyCredential)) throw new SceauError("passkey_refused");
  return credential;
}

const names = (credential: PublicKeyCredential) => ({
  id: credential.id, rawId: text(credential.rawId), type: credential.type, clientExtensionResults: {},
});
const described = (one: Descriptor): PublicKeyCredentialDescriptor => ({ ...one, id: fromBase64url(one.id) });
const text = (buffer: ArrayBuffer): string => base64url(new Uint8Array(buffer));
