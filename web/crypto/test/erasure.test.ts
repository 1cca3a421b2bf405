import { beforeAll, describe, expect, it } from "vitest";
import { verifyErasure } from "../src";
import { codeOf } from "../src/errors";
import { Log } from "./log";

const DATUM = "Zzwt9emhc5sS454ZDEz2pE5gZLmDaIlWlzX_GpsvR9I";
const ORGANISATION = "0d4ee4a0-54a4-4a7c-a2b4-7d5e3f1a9b60";
const APPLICATION = "5a3d9c1e-2b4f-4c6d-8e7a-9b0c1d2e3f40";
const DUE = 1_900_000_000_000;

let log: Log;
let erased: number;
let again: number;
let ended: number;
let other: number;
beforeAll(async () => {
  log = await Log.create();
  const erase = {
    action: "datum.erase", actor: { id: APPLICATION, kind: "application" }, asserted: "application", organisation: ORGANISATION, time: 1000,
    subjects: [{ id: DATUM, kind: "datum" }],
  } as const;
  const detail = { due: String(DUE), epoch: "3", kept: "files" };
  const row = { hash: "0".repeat(64), id: DATUM, kind: "datum", previous: "1".repeat(64), version: 2 };
  const end = { action: "epoch.end", organisation: ORGANISATION, time: 2000, actor: { id: "element", kind: "element" }, asserted: "element" } as const;
  log.append({ ...end, detail: { epoch: "3" } });
  erased = log.append({ ...erase, attested: row, detail });
  again = log.append({ ...erase, time: 1500, detail });
  other = log.append({ ...end, detail: { epoch: "4" } });
  ended = log.append({ ...end, detail: { epoch: "3" } });
});

type Said = Record<string, unknown>;
async function certificate(change: Said = {}): Promise<Said> {
  return {
    v: 1, format: "sceau-erasure", datum: DATUM, organisation: ORGANISATION, application: APPLICATION, epoch: 3, erased: { time: 1000, index: erased }, destroyed: null,
    due: DUE, not_covered: ["keys_handed_out", "keystore_copies"], evidence: [await log.evidence(erased)], ...change,
  };
}
const destroyed = async (index = ended): Promise<Said> =>
  certificate({ destroyed: { time: 2000, index }, evidence: [await log.evidence(erased), await log.evidence(index)] });
const code = async (said: Said, key = log.vkey): Promise<string> => verifyErasure(said, key).then(() => "no error", codeOf);

describe("a certificate of erasure", () => {
  it("says what the log says, before and after the key is gone", async () => {
    const before = await verifyErasure(JSON.stringify(await certificate()), log.vkey);
    expect(before).toMatchObject({ datum: DATUM, epoch: 3, due: DUE, destroyed: null, notCovered: ["keys_handed_out", "keystore_copies"] });
    expect((await verifyErasure(await destroyed(), log.vkey)).destroyed).toEqual({ time: 2000, index: ended });
  });

  it("is refused where the log says otherwise", async () => {
    const changes: Said[] = [
      { datum: DATUM.replace("Z", "Y") }, { organisation: APPLICATION }, { application: ORGANISATION }, { epoch: 4 }, { erased: { time: 1001, index: erased } },
      { erased: { time: 1500, index: again }, evidence: [await log.evidence(again)] }, { due: DUE + 1 }, { due: undefined }, { not_covered: ["keys_handed_out"] },
      { not_covered: ["keys_handed_out", "keystore_copies", "token_backups"] },
    ];
    for (const change of changes) expect(await code(await certificate(change)), JSON.stringify(change)).toBe("evidence.wrong_subject");
    // The key of another epoch; the same epoch's of before the erasure, which no log has.
    expect(await code(await destroyed(other))).toBe("evidence.wrong_subject");
    expect(await code(await destroyed(0))).toBe("evidence.wrong_subject");
    expect(await code(await certificate(), (await Log.create()).vkey)).toBe("evidence.other_log");
  });

  it("is of two administrators where their act erased it", async () => {
    const act = "7e0c3a52-3d3e-4a0e-9d0b-0b9f6a1c2d3e";
    const byTwo = {
      action: "datum.erase", actor: { id: "commitment", kind: "organisation_admin" }, asserted: "passkey", organisation: ORGANISATION, time: 1000,
      subjects: [{ id: DATUM, kind: "datum" }, { id: APPLICATION, kind: "application" }],
      attested: { hash: "0".repeat(64), id: DATUM, kind: "datum", previous: "1".repeat(64), version: 2 },
      detail: { act, due: String(DUE), epoch: "3", kept: "files" },
    } as const;
    const index = log.append(byTwo);
    const evidence = [await log.evidence(index)];
    const said = { erased: { time: 1000, index }, evidence };
    expect(await verifyErasure(await certificate({ ...said, act }), log.vkey)).toMatchObject({ act });
    for (const change of [{}, { act: APPLICATION }, { act, application: ORGANISATION }] as Said[]) {
      expect(await code(await certificate({ ...said, ...change })), JSON.stringify(change)).toBe("evidence.wrong_subject");
    }
    expect(await code(await certificate({ act }))).toBe("evidence.wrong_subject");
  });

  it("is refused where it is none", async () => {
    for (const change of [{ v: 2 }, { format: "x" }, { evidence: [] }, { more: 1 }, { not_covered: ["nothing"] }, { destroyed: { time: 2000, index: ended } }] as Said[]) {
      expect(await code(await certificate(change)), JSON.stringify(change)).toBe("erasure_malformed");
    }
    const two = await log.evidence(ended);
    expect(await code(await certificate({ evidence: [await log.evidence(erased), two] }))).toBe("erasure_malformed");
  });
});
