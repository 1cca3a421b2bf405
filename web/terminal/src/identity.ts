// Who holds a keyring, in the registration authority's words. Rules of crates/keyring/src/identity.rs.
import { Fields } from "@sceau/crypto";
import { hex, utf8 } from "./bytes";
import type { SubjectField } from "./documents";
import { unproven } from "./errors";
import { sha256 } from "./labels";
import { isPlain } from "./legible";
import { oneScript } from "./look-alikes";

/** A holder: the fields that are written, in their order. It is personal data. */
export type Identity = Readonly<Partial<Record<SubjectField, string>>>;

const FIELDS = ["common_name", "given_name", "surname", "serial_number", "country"] as const;

export function parseIdentity(fields: Fields): Identity {
  fields.only(...FIELDS);
  return Object.fromEntries(FIELDS.filter((name) => fields.has(name)).map((name) => [name, fields.text(name)]));
}

/** SHA-256 of its JSON, in the one form that both sides write. */
export const identityHash = (identity: Identity): string => hex(sha256(utf8(JSON.stringify(identity))));

/** Refuses one that has not exactly the fields that the policy asks for, each of them legible. */
export function checkIdentity(identity: Identity, wanted: readonly SubjectField[]): void {
  for (const field of FIELDS) {
    const value = identity[field];
    const asked = field === "common_name" || wanted.includes(field);
    if (asked !== (value !== undefined) || (value !== undefined && !fits(field, value))) {
      throw unproven("the holder's name cannot be shown");
    }
  }
}

function fits(field: SubjectField, value: string): boolean {
  const length = Array.from(value).length;
  if (length < 1 || length > 64) return false;
  if (field === "country") return /^[A-Z]{2}$/.test(value);
  if (field === "serial_number") return /^[A-Za-z0-9:-]*$/.test(value);
  return isPlain(value) && !/^\p{White_Space}|\p{White_Space}$/u.test(value) && oneScript(value);
}
