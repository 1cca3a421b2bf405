/** Time stamps of the checkpoint of an evidence file, under authorities that somebody gives. */
import { type Bytes, type Checkpoint, codeOf, imprintOf, readAnchors, type TimeStamp, verifyStamp } from "@sceau/crypto";

/** What one of them is worth. */
export type StampVerdict = { readonly state: "holds"; readonly stamp: TimeStamp } | { readonly state: "refused"; readonly code: string };

/** A verdict on each, in their order. Throws where `pem` holds no authorities. */
export async function judgeStamps(tokens: readonly Bytes[], checkpoint: Checkpoint, pem: string): Promise<StampVerdict[]> {
  const anchors = readAnchors(pem);
  const imprint = await imprintOf(checkpoint);
  return Promise.all(
    tokens.map((token) =>
      verifyStamp(token, imprint, anchors).then(
        (stamp) => ({ state: "holds", stamp }) as const,
        (error: unknown) => ({ state: "refused", code: codeOf(error) }) as const,
      ),
    ),
  );
}
