/** A reader's watch over the log: the checkpoint last seen is kept, and the next one must contain it. */
import { base64, type Checkpoint, parseLogKey, SceauError, verifyCheckpoint, verifyConsistency } from "@sceau/crypto";
import { call } from "../api/http";
import { logKey } from "../trust";
import { Tiles } from "./tiles";

const remembered = "sceau-checkpoint";

export interface Watch {
  readonly checkpoint: Checkpoint;
  readonly tiles: Tiles;
  /** Size at the last visit; `null` on the first. */
  readonly before: number | null;
  readonly logKey: string;
}

/** Throws unless the log is signed and only grew. What is verified is remembered; what is not leaves the memory as it was. */
export async function watch(): Promise<Watch> {
  const trusted = await logKey();
  const note = await (await call("GET", "/trace/checkpoint")).text();
  const key = await parseLogKey(trusted);
  const checkpoint = await verifyCheckpoint(note, key);
  const tiles = new Tiles(checkpoint.size);
  const kept = localStorage.getItem(remembered);
  let before: number | null = null;
  if (kept !== null) {
    const last = await verifyCheckpoint(kept, key);
    before = last.size;
    if (last.size > checkpoint.size) throw new SceauError("proof.out_of_range", "the log has shrunk");
    const proof = await tiles.consistency(last.size);
    await verifyConsistency(last.size, checkpoint.size, proof, last.root, checkpoint.root);
  }
  localStorage.setItem(remembered, note);
  return { checkpoint, tiles, before, logKey: trusted };
}

export const rootText = (checkpoint: Checkpoint): string => base64(checkpoint.root);
