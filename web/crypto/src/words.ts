// Scanned intake: the word of the intake that the organisation trusts on each file of a manifest. The checks are those of
// crates/element-api/src/documents/scanned.rs.
import type { Bytes } from "./bytes";
import { SceauError } from "./errors";
import { Fields } from "./json";
import { verifyJws } from "./jws";
import type { Manifest } from "./manifest";

/** The intake that a scheme names: where its documents go, and the key of its words. */
export interface IntakeHost {
  readonly url: string; // https://host[:port]; http for loopback alone
  readonly key: Bytes; // Ed25519, 32 bytes
}

/** Reads the intake that a scheme's document names; none where depositors seal. A document that says one thing and names another is refused. */
export function intakeHostOf(scheme: Bytes): IntakeHost | null {
  const document = Fields.parse(scheme, "scheme_malformed");
  const scanned = document.holds("intake") && document.oneOf("intake", ["sealed", "scanned"]) === "scanned";
  if (scanned !== document.has("intake_host")) throw new SceauError("scheme_malformed", "intake_host");
  if (!scanned) return null;
  const host = document.object("intake_host").only("url", "key");
  const [url, key] = [host.text("url"), host.bytes("key")];
  if (key.length !== 32 || !isOrigin(url)) throw new SceauError("scheme_malformed", "intake_host");
  return { url, key };
}

/** Demands for each file the trusted intake's word that exactly this file of this dossier was found clean; where depositors seal, no word. */
export async function checkWords(manifest: Pick<Manifest, "dossier" | "files" | "words">, trusted: IntakeHost | null): Promise<void> {
  const { dossier, files, words } = manifest;
  if (words.length !== (trusted ? files.length : 0)) throw new SceauError("not_scanned", "not one word for each file");
  if (!trusted) return;
  for (const [n, file] of files.entries()) {
    const word = await read(words[n] ?? "", trusted.key);
    const found = word.object("found");
    const same =
      found.text("verdict") === "clean" && word.text("dossier") === dossier && word.hash("file", 16) === file.fileId &&
      found.hash("envelope_hash") === file.envelopeHash && found.integer("size") === file.size && found.integer("parts") === file.parts;
    if (!same) throw new SceauError("not_scanned", "a word about something else");
  }
}

async function read(word: string, key: Bytes): Promise<Fields> {
  try {
    return Fields.parse(await verifyJws(word, "sceau-intake-word", key), "not_scanned").only("dossier", "file", "found");
  } catch (cause) {
    throw new SceauError("not_scanned", "a word that the trusted intake did not sign", { cause });
  }
}

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { origin, protocol, hostname } = new URL(text);
  const here = hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "127.0.0.1";
  return origin === text && (protocol === "https:" || (protocol === "http:" && here));
}
