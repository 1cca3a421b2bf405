// What the security officer signed, as the element handed it over at the activation: the policy, and who may ask. The element's proof of the factors is over both.
import { Fields, readCertificate } from "@sceau/crypto";
import { type Bytes, base64url, fromUtf8 } from "./bytes";
import { TerminalError } from "./errors";
import { keyOf, type VerifyingKey } from "./jws";
import type { PinRule } from "./opaque";

export type SubjectField = "common_name" | "given_name" | "surname" | "serial_number" | "country";
export type RequestKind = "sign" | "authenticate" | "roam" | "join" | "dissociate" | "destroy";
export type Algorithm = "ES256" | "RS256";

const SUBJECTS: readonly SubjectField[] = ["common_name", "given_name", "surname", "serial_number", "country"];
export const ALGORITHMS: readonly Algorithm[] = ["ES256", "RS256"];

export interface Policy {
  readonly policy: string;
  readonly name: string;
  readonly use: "sign" | "authenticate";
  readonly pin: PinRule;
  readonly algorithm: Algorithm | null;
  readonly subject: readonly SubjectField[];
  readonly biometric: "none" | "fingerprint" | "face";
  readonly batchMost: number;
  readonly discloses: "keyring" | "identity";
  /** Whether another terminal may come: beside this one, or in its place. */
  readonly roaming: "none" | "copy" | "move";
  readonly terminalsMost: number;
  /** Who takes a terminal off. */
  readonly dissociation: "holder" | "holder_and_support";
}

/** Somebody who acts on keyrings. */
export interface Actor {
  readonly id: string;
  readonly role: string;
  readonly name: string;
  readonly certificate: Bytes;
  readonly policies: readonly string[];
  readonly kinds: readonly string[];
  readonly active: boolean;
}

const damaged = (cause: unknown): TerminalError => new TerminalError("terminal_damaged", "what the terminal keeps cannot be read", "terminal", { cause });

export function parsePolicy(bytes: Bytes): Policy {
  try {
    const fields = Fields.parse(bytes, "keyring_malformed");
    if (fields.integer("v") !== 1) throw damaged(undefined);
    const pin = fields.object("pin");
    return {
      policy: fields.text("policy"),
      name: fields.text("name"),
      use: fields.oneOf("use", ["sign", "authenticate"]),
      pin: { least: pin.integer("least"), most: pin.integer("most") },
      algorithm: fields.has("algorithm") ? fields.oneOf("algorithm", ALGORITHMS) : null,
      subject: fields.list("subject").flatMap((field) => SUBJECTS.filter((known) => known === field)),
      biometric: fields.oneOf("biometric", ["none", "fingerprint", "face"]),
      batchMost: fields.integer("batch_most"),
      discloses: fields.has("discloses") ? fields.oneOf("discloses", ["keyring", "identity"]) : "keyring",
      roaming: fields.oneOf("roaming", ["none", "copy", "move"]),
      terminalsMost: fields.integer("terminals_most"),
      dissociation: fields.oneOf("dissociation", ["holder", "holder_and_support"]),
    };
  } catch (cause) {
    throw damaged(cause);
  }
}

export function parseActors(bytes: Bytes): Actor[] {
  try {
    return Fields.parse(fromUtf8(bytes), "keyring_malformed")
      .objects("actors")
      .map((actor) => ({
        id: actor.text("id"),
        role: actor.text("role"),
        name: actor.text("name"),
        certificate: actor.bytes("certificate"),
        policies: actor.list("policies").map(String),
        kinds: actor.list("kinds").map(String),
        active: actor.text("status") === "active",
      }));
  } catch (cause) {
    throw damaged(cause);
  }
}

/** The actor whose key has this thumbprint, in base64url. */
export async function actorOf(actors: readonly Actor[], kid: string): Promise<{ actor: Actor; key: VerifyingKey } | null> {
  for (const actor of actors) {
    // The officer's signature over the document says that the certificate is its own: its key alone counts, and its end is the element's to judge. One that cannot be
    // read, or of another kind of key, is nobody's here.
    const key = await Promise.resolve(actor.certificate).then((der) => keyOf(readCertificate(der).key)).catch(() => null);
    if (key && base64url(key.thumbprint) === kid) return { actor, key };
  }
  return null;
}
