// A small world for the pages' tests: an organisation with a real key, a log with real proofs, a dossier really sealed. What it lacks is
// servers; mock.ts plays them. Nothing here is shipped.
import { deflateSync } from "node:zlib";
import { Aes256Gcm, CipherSuite, HkdfSha256 } from "@hpke/core";
import { XWing } from "@hpke/hybridkem-x-wing";
import { ed25519 } from "@noble/curves/ed25519.js";
import { base64url, type Bytes, fileIdOf, fingerprint, fromHex, hex, keyIdHex, manifestBytes, type PrivateKey, Sealer, sha256, utf8 } from "@sceau/crypto";
import { Log } from "../../crypto/test/log";

export const ORGANISATION = "5b0e8a52-7c1f-4e3a-9d42-0f6a1b2c3d4e";
export const DOSSIER = "0d4ee4a0-54a4-4a7c-a2b4-7d5e3f1a9b60";
export const SCHEME = "9a1c33f7-2b6d-4f0e-8a55-c4d3e2f1a0b9";
export const OFFICER = "c0ffee00-1111-4222-8333-444455556666";

const concat = (...chunks: Uint8Array[]): Bytes => new Uint8Array(Buffer.concat(chunks));

export interface SealedFile {
  id: string;
  name: string;
  header: Bytes;
  parts: Bytes[];
  hash: string;
  size: number;
  sha256: string;
}

export interface World {
  log: Log;
  root: string;
  keyId: string;
  secret: PrivateKey;
  files: SealedFile[];
  manifestHash: string;
  bundle: Record<string, unknown>;
}

const FORM = {
  v: 1,
  scheme: SCHEME,
  organisation: ORGANISATION,
  title: { fr: "Forfait mobilités durables", en: "Sustainable travel allowance" },
  description: { fr: "Remboursement du vélo et du covoiturage", en: "For cycling and car sharing" },
  form: [
    { name: "mode", label: { fr: "Votre trajet", en: "Your journey" }, kind: "choice", required: true, sensitive: false, choices: [{ value: "velo", label: { fr: "À vélo", en: "By bicycle" } }] },
    { name: "since", label: { fr: "Depuis le", en: "Since" }, kind: "date", required: true, sensitive: false },
    { name: "distance", label: { fr: "Distance, en km", en: "Distance, in km" }, kind: "number", required: true, sensitive: false },
    { name: "iban", label: { fr: "IBAN", en: "IBAN" }, kind: "text", required: true, sensitive: true },
    { name: "health", label: { fr: "Situation de santé", en: "Health situation" }, kind: "text", required: false, sensitive: true },
  ],
  documents: [
    { name: "invoice", label: { fr: "Facture", en: "Invoice" }, required: true },
    { name: "statement", label: { fr: "Attestation sur l’honneur", en: "Sworn statement" }, required: false },
  ],
};

export async function world(): Promise<World> {
  const log = await Log.create();
  const root = await fingerprint(new Uint8Array(ed25519.getPublicKey(crypto.getRandomValues(new Uint8Array(32)))));
  const kem = new XWing();
  const suite = new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes256Gcm() });
  const seed = crypto.getRandomValues(new Uint8Array(32));
  const publicKey = new Uint8Array(await suite.kem.serializePublicKey((await kem.generateKeyPairDerand(seed)).publicKey));
  const recipient = { suite: "HPKE-X-Wing", publicKey } as const;
  const keyId = await keyIdHex(recipient);
  const secret: PrivateKey = { suite: "HPKE-X-Wing", id: fromHex(keyId), seed };

  const files: SealedFile[] = [];
  const idOf = (n: number): string => files[n]?.id ?? "";
  const answers = (): Bytes =>
    utf8(JSON.stringify({ iban: "FR76 3000 6000 0112 3456 7890 189", health: "Rien à signaler", $documents: { [idOf(0)]: "invoice", [idOf(1)]: "nowhere", [idOf(2)]: "statement" } }));
  const contents: [string, string, Bytes | (() => Bytes)][] = [
    ["Facture vélo – Été 2026.pdf", "application/pdf", pdf(["Facture no 2026-118", "Un vélo de ville, 640 euros"], ["Page 2 : garantie de deux ans"])],
    ["photo du vélo.png", "image/png", png(900, 600)],
    ["attestation numérisée.pdf", "application/pdf", scan()],
    ["kilomètres.csv", "text/csv", utf8("date;km\n2026-10-01;7,5\n")],
    ["answers.json", "application/json", answers],
  ];
  for (const [name, type, content] of contents) {
    const bytes = typeof content === "function" ? content() : content;
    const sealer = await Sealer.create(new Blob([bytes]), { name, type }, [recipient], await fileIdOf(DOSSIER));
    const parts: Bytes[] = [];
    for await (const part of sealer.all()) parts.push(part.bytes);
    files.push({ id: sealer.fileId, name, header: sealer.header, parts, hash: await sealer.envelopeHash(), size: bytes.length, sha256: hex(await sha256(bytes)) });
  }

  const scheme = utf8(JSON.stringify(FORM));
  const manifest = manifestBytes({
    dossier: DOSSIER,
    organisation: ORGANISATION,
    scheme: SCHEME,
    formHash: hex(await sha256(scheme)),
    publicAnswers: { mode: "velo", since: "2026-03-02", distance: 7.5 },
    sealedAnswers: files.at(-1)?.hash ?? null,
    files: files.map((f) => ({ fileId: f.id, envelopeHash: f.hash, size: f.size, parts: f.parts.length })),
    keyId,
    created: Date.UTC(2026, 10, 20, 9, 29),
    words: [],
  });
  log.append({ action: "key.publish" });
  const index = log.append({
    action: "deposit.complete",
    actor: { id: OFFICER, kind: "citizen" },
    asserted: "passkey",
    attested: { hash: hex(await sha256(manifest)), id: DOSSIER, kind: "manifest", previous: null, version: 1 },
  });
  log.append({ action: "ticket.issue" });
  const bundle = {
    manifest: base64url(manifest),
    manifest_evidence: await log.evidence(index),
    scheme: base64url(scheme),
    files: files.map((f) => ({ file_id: f.id, parts: f.parts.length, header: base64url(f.header) })),
    decision: null,
    decision_proof: null,
    state: "submitted",
  };
  return { log, root, keyId, secret, files, manifestHash: hex(await sha256(manifest)), bundle };
}

/** The bundle as it is once the organisation has decided; `changed` is what a lying platform makes of the bytes or of the record. */
export async function decided(world: World, changed: { decision?: string; manifest_hash?: string; asserted?: "platform"; organisation?: string; payload?: string } = {}): Promise<Record<string, unknown>> {
  const decision = {
    v: 1, dossier: DOSSIER, organisation: ORGANISATION, manifest_hash: changed.manifest_hash ?? world.manifestHash, decision: changed.decision ?? "more_information",
    reason: "La facture ne porte pas de date.", decided_by: OFFICER, role: "case_officer", time: Date.UTC(2026, 10, 20, 11),
  };
  const payload = utf8(JSON.stringify(decision));
  const index = world.log.append({
    action: "attest",
    asserted: changed.asserted ?? "organisation",
    organisation: changed.organisation ?? ORGANISATION,
    attested: { hash: hex(await sha256(payload)), id: DOSSIER, kind: "decision", previous: null, version: 1 },
  });
  const shown = changed.payload === undefined ? payload : utf8(JSON.stringify({ ...decision, decision: changed.payload }));
  return { ...world.bundle, decision, decision_proof: { payload: base64url(shown), evidence: await world.log.evidence(index) } };
}

/** A bundle whose manifest names a file that was drawn for another dossier, logged as it is. */
export async function elsewhere(world: World): Promise<Record<string, unknown>> {
  const manifest = JSON.parse(Buffer.from(String(world.bundle["manifest"]), "base64url").toString()) as { files: { file_id: string }[] };
  const foreign = hex(await fileIdOf("11111111-1111-4111-8111-111111111111"));
  if (manifest.files[0]) manifest.files[0].file_id = foreign;
  return logged(world, utf8(JSON.stringify(manifest)));
}

/** A bundle of a scheme whose documents an intake scans, whose manifest has no word of it: as a platform lets it in that scans nothing. */
export async function unscanned(world: World): Promise<Record<string, unknown>> {
  const key = base64url(new Uint8Array(ed25519.getPublicKey(new Uint8Array(32).fill(9))));
  const scheme = utf8(JSON.stringify({ ...FORM, intake: "scanned", intake_host: { url: "https://depot.example.org", key } }));
  const manifest = JSON.parse(Buffer.from(String(world.bundle["manifest"]), "base64url").toString()) as { form_hash: string };
  manifest.form_hash = hex(await sha256(scheme));
  return { ...(await logged(world, utf8(JSON.stringify(manifest)))), scheme: base64url(scheme) };
}

/** The bundle with another manifest, logged as it is. */
async function logged(world: World, manifest: Bytes): Promise<Record<string, unknown>> {
  const index = world.log.append({
    action: "deposit.complete",
    actor: { id: OFFICER, kind: "citizen" },
    attested: { hash: hex(await sha256(manifest)), id: DOSSIER, kind: "manifest", previous: null, version: 1 },
  });
  return { ...world.bundle, manifest: base64url(manifest), manifest_evidence: await world.log.evidence(index) };
}

/** A PDF of as many pages as texts, in Helvetica, with a cross-reference table as ISO 32000-1 section 7.5.4 wants it. */
export function pdf(...pages: string[][]): Bytes {
  const objects: string[] = ["<< /Type /Catalog /Pages 2 0 R >>", ""];
  const font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>";
  objects.push(font);
  const kids: number[] = [];
  for (const lines of pages) {
    const text = lines.map((line, i) => `BT /F1 24 Tf 60 ${740 - 40 * i} Td (${line}) Tj ET`).join("\n");
    const content = `${text}\n0.64 0.09 0.17 rg 60 600 200 4 re f`;
    objects.push(`<< /Length ${Buffer.byteLength(content, "latin1")} >>\nstream\n${content}\nendstream`);
    objects.push(`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents ${objects.length} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`);
    kids.push(objects.length);
  }
  objects[1] = `<< /Type /Pages /Count ${kids.length} /Kids [${kids.map((k) => `${k} 0 R`).join(" ")}] >>`;
  return assemble(objects);
}

/** One page that is a scan: a black bar in the middle third, in the coding of fax machines (ITU-T T.6), which pdf.js leaves to WebAssembly. */
export function scan(): Bytes {
  // The first line: white 16, black 32, and white to the end; each other line repeats the one above it.
  const bits = "001101010" + "000001101010" + "1" + "111".repeat(63);
  const bytes = (bits.padEnd(Math.ceil(bits.length / 8) * 8, "0").match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2));
  const image = "/Type /XObject /Subtype /Image /Width 64 /Height 64 /ColorSpace /DeviceGray /BitsPerComponent 1";
  const coding = "/Filter [/ASCIIHexDecode /CCITTFaxDecode] /DecodeParms [null << /K -1 /Columns 64 /Rows 64 >>]";
  const content = "500 0 0 500 47 170 cm /Im Do";
  return assemble([
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Count 1 /Kids [5 0 R] >>",
    `<< ${image} ${coding} /Length ${2 * bytes.length + 1} >>\nstream\n${Buffer.from(bytes).toString("hex")}>\nendstream`,
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 594 842] /Contents 4 0 R /Resources << /XObject << /Im 3 0 R >> >> >>",
  ]);
}

function assemble(objects: string[]): Bytes {
  let out = "%PDF-1.4\n";
  const at: number[] = [];
  objects.forEach((object, i) => {
    at.push(Buffer.byteLength(out, "latin1"));
    out += `${i + 1} 0 obj\n${object}\nendobj\n`;
  });
  const table = Buffer.byteLength(out, "latin1");
  out += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${at.map((n) => `${String(n).padStart(10, "0")} 00000 n \n`).join("")}`;
  out += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${table}\n%%EOF\n`;
  return new Uint8Array(Buffer.from(out, "latin1"));
}

/** A PNG of evening stripes (RFC 2083). */
function png(width: number, height: number): Bytes {
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const wave = Math.sin((x + y) / 40) * 30;
      rows.set([60 + (120 * y) / height + wave, 70 + wave, 110 - (40 * y) / height], y * (width * 3 + 1) + 1 + 3 * x);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return concat(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10), chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0)));
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  let crc = 0xffffffff;
  for (const byte of body) {
    crc ^= byte;
    for (let k = 0; k < 8; k += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  out.writeUInt32BE((crc ^ 0xffffffff) >>> 0, body.length + 4);
  return out;
}
