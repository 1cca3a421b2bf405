// Opening one document: the key manager releases its content key (and records that), the platform gives ciphertext, a worker decrypts.
import { CryptoWorker, fromBase64url, type Metadata } from "@sceau/crypto";
import { type Platform, post, Problem, type Released, type Scanned } from "../api";
import type { Dossier, SealedFile } from "./dossier";

export interface OpenedDocument {
  readonly metadata: Metadata;
  /** The document in pieces of at most 1 MiB, as it was decrypted: joining them would be one more copy of it. */
  readonly pieces: readonly Uint8Array<ArrayBuffer>[];
  /** Where this access is in the key manager's trace. */
  readonly recordIndex: number;
  /** What the antivirus said of exactly these bytes; null where there is none. */
  readonly scanned: Scanned | null;
}

/** What a page can hold in one piece; larger documents are not for dossiers yet. */
export const LARGEST = 512 * 1024 * 1024;

/** One for the page's life, so that it is warm when a document is opened. */
let worker: CryptoWorker | undefined;
export function warmUp(): CryptoWorker {
  worker ??= new CryptoWorker();
  return worker;
}

/** Plaintext comes back only when every part, and the whole, is what the manifest names. */
export async function openDocument(
  platform: Platform,
  dossier: Dossier,
  file: SealedFile,
  scanner: boolean | null,
  progress: (done: number) => void,
): Promise<OpenedDocument> {
  if (file.size > LARGEST) throw new Problem("too_large_for_a_page");
  const released = await release({ ...dossier.proof, header: file.header, file_id: file.fileId, ...(scanner ? { reading: platform.session } : {}) });
  // Page and key manager have each read the manifest; they must have read the same.
  if (released.envelope_hash !== file.envelopeHash || released.parts !== file.parts) throw new Problem("manifest_read_differently");
  const cek = fromBase64url(released.cek);
  const envelope = warmUp().open(fromBase64url(file.header), cek, file.parts);
  cek.fill(0);
  try {
    if (envelope.fileId !== file.fileId) throw new Problem("file_missing");
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    let done = 0;
    for await (const plaintext of envelope.all((index) => platform.part(dossier.id, file.fileId, index))) {
      done += plaintext.length;
      if (done > file.size) throw new Problem("size_differs");
      pieces.push(plaintext);
      progress(done);
    }
    if (done !== file.size) throw new Problem("size_differs");
    await envelope.finish(file.envelopeHash);
    return { metadata: envelope.metadata, pieces, recordIndex: released.record_index, scanned: released.scanned };
  } finally {
    envelope.release();
  }
}

/** The key, once the antivirus is done: a long examination outlives a request, and the next one finds it. */
async function release(request: object): Promise<Released> {
  for (;;) {
    try {
      return await post<Released>("/v1/unwrap", request);
    } catch (cause) {
      if (!(cause instanceof Problem) || cause.code !== "scan_under_way") throw cause;
    }
  }
}

export type Viewable = "application/pdf" | "image/jpeg" | "image/png";

/** What the frame can show, judged by the first bytes: the type in the metadata is the sender's word. */
export function viewable(first: Uint8Array | undefined): Viewable | null {
  const starts = (...magic: number[]): boolean => magic.every((byte, i) => first?.[i] === byte);
  if (starts(0x25, 0x50, 0x44, 0x46, 0x2d)) return "application/pdf";
  if (starts(0xff, 0xd8, 0xff)) return "image/jpeg";
  if (starts(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return "image/png";
  return null;
}

/** Hands the file to the person, as bytes that no browser will run. */
export function download(name: string, pieces: OpenedDocument["pieces"]): void {
  const url = URL.createObjectURL(new Blob([...pieces], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  // Control, direction-changing and path characters could disguise what the file is.
  link.download = name.replace(/[\p{Cc}\p{Cf}/\\:*?"<>|]/gu, "_");
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
