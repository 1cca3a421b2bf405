// Authorities whose word a reader takes, as PEM (RFC 7468). The rules are those of crates/pki/src/anchors.rs.
import { type Bytes, fromBase64 } from "../bytes";
import { SceauError } from "../errors";
import { authorityOver, type Certificate, isStrange, mayNot, readCertificate, SIGNS_CERTIFICATES } from "./certificate";

const MAX_LENGTH = 1 << 20;
const MOST = 256;

/** Authorities that are trusted, at least one. Made by {@link readAnchors} alone. */
export interface Anchors {
  readonly certificates: readonly Certificate[];
}

/** The critical extensions that an anchor may have, by the last number of id-ce. Those of policies bind no way but one that is asked for its policies (RFC 5280 §6.2). */
const UNDERSTOOD = [15, 17, 19, 30, 31, 37, 32, 33, 36, 54];

/**
 * Reads each certificate of a PEM text. What is no certificate in it is passed over.
 * Throws `anchors.none`, `anchors.unreadable`, or `anchors.not_an_authority` for one that may not issue others, such as that of the time stamps themselves.
 */
export function readAnchors(text: string): Anchors {
  if (text.length > MAX_LENGTH) throw new SceauError("anchors.unreadable", "too long");
  const certificates = blocks(text).map(anchor);
  if (certificates.length === 0) throw new SceauError("anchors.none");
  if (certificates.length > MOST) throw new SceauError("anchors.unreadable", "too many");
  return { certificates };
}

function anchor(der: Bytes): Certificate {
  let certificate: Certificate;
  let issues: boolean;
  try {
    certificate = readCertificate(der);
    issues = authorityOver(certificate) !== null && !mayNot(certificate, SIGNS_CERTIFICATES);
  } catch (cause) {
    throw new SceauError("anchors.unreadable", "certificate", { cause });
  }
  if (!issues || !certificate.usual || certificate.holder === "" || isStrange(certificate, UNDERSTOOD)) throw new SceauError("anchors.not_an_authority", certificate.holder);
  return certificate;
}

/** The certificates' bytes. A block that is begun must end. */
function blocks(text: string): Bytes[] {
  const found: Bytes[] = [];
  let body: string | undefined;
  for (const line of text.split(/\r?\n|\r/).map((line) => line.trim())) {
    if (line === "-----BEGIN CERTIFICATE-----") body = "";
    else if (line === "-----END CERTIFICATE-----" && body !== undefined) {
      found.push(decoded(body));
      body = undefined;
    } else if (body !== undefined) body += line;
  }
  if (body !== undefined) throw new SceauError("anchors.unreadable", "no end");
  return found;
}

function decoded(body: string): Bytes {
  try {
    return fromBase64(body);
  } catch (cause) {
    throw new SceauError("anchors.unreadable", "base64", { cause });
  }
}
