// A file's id (16 bytes). In a dossier its first twelve bytes name the dossier, so that no file can be passed off as another dossier's.
import { type Bytes, concat, equal, fromHex, random, sha256, utf8 } from "./bytes";

const NAMING = 12;

/** A new id for a file of this dossier (its UUID as text): SHA-256("sceau/file" ‖ 00 ‖ dossier)[0..12], then 4 random bytes. */
export async function fileIdOf(dossier: string): Promise<Bytes> {
  return concat(await naming(dossier), random(4));
}

/** Whether the id (hexadecimal) was drawn for a file of this dossier. */
export async function isFileOf(dossier: string, fileId: string): Promise<boolean> {
  return equal(fromHex(fileId, 16).subarray(0, NAMING), await naming(dossier));
}

async function naming(dossier: string): Promise<Bytes> {
  return (await sha256(utf8(`sceau/file\0${dossier}`))).slice(0, NAMING);
}
