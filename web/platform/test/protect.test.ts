// What the console's pages work out by themselves: documents to sign, who can read what, what is searched for.
import { describe, expect, it } from "vitest";
import { bytesOf, faultOfKid, hasRoom, registered, withEnded, withKey, withStatus } from "../src/protect/application";
import { type DatumDocument, placeOf, readersOf } from "../src/protect/datum";
import { columnsOf, edgesOf, endingOf, periodOf, roundedUp, spanOf } from "../src/protect/activity";
import { actOn, decided, isReason, ofToday } from "../src/protect/acts";
import { addressOf as addressOfRecords, askedOf, lookedOf } from "../src/protect/accesses";
import { compared, isIssuer, readKeySet, withProvider } from "../src/protect/provider";
import { standingOf } from "../src/protect/erasures";
import { destinationOf, FORMATS, isCollector, receiverOf, unitOf } from "../src/protect/supervision";
import { addressOf, rare, searchOf, wantedOf } from "../src/protect/search";

const ORGANISATION = "0d4ee4a0-54a4-4a7c-a2b4-7d5e3f1a9b60";
const key = (kid: string) => ({ kid, alg: "EdDSA" as const, jwk: { crv: "Ed25519" as const, kty: "OKP" as const, x: "A".repeat(43) } });

describe("an application's document", () => {
  const first = registered(ORGANISATION, "Soins", key("a"));

  it("is the one that the element reads", () => {
    expect(JSON.parse(new TextDecoder().decode(bytesOf(first)))).toEqual({
      v: 1, application: first.application, organisation: ORGANISATION, name: "Soins", status: "active",
      keys: [{ kid: "a", alg: "EdDSA", jwk: { crv: "Ed25519", kty: "OKP", x: "A".repeat(43) }, status: "active" }],
    });
    expect(first.application).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("changes by what was asked, and by nothing else", () => {
    const two = withKey(first, key("b"));
    expect(two).toEqual({ ...first, keys: [...first.keys, { ...key("b"), status: "active" }] });
    const ended = withEnded(two, "a");
    expect(ended).toEqual({ ...two, keys: [{ ...key("a"), status: "ended" }, two.keys[1]] });
    expect(withStatus(ended, "inactive")).toEqual({ ...ended, status: "inactive" });
  });

  it("names each key once, ended ones too, and by what can name it", () => {
    const ended = withEnded(first, "a");
    expect(faultOfKid("a", ended)).toBe("taken");
    expect(faultOfKid("a", undefined)).toBe("");
    expect(["", "a b", "é", "x".repeat(65), "10.0.0.1"].map((kid) => faultOfKid(kid, undefined))).toEqual(Array(5).fill("kind"));
  });

  it("has room for 64 keys", () => {
    const many = { ...first, keys: Array.from({ length: 63 }, (_, n) => ({ ...key(`k${n}`), status: "ended" as const })) };
    expect([hasRoom(many), hasRoom(withKey(many, key("last")))]).toEqual([true, false]);
  });
});

describe("a provider of identities", () => {
  const application = registered(ORGANISATION, "Soins", key("a"));
  const jwk = (x: string) => ({ kty: "OKP", crv: "Ed25519", x: x.repeat(43) });
  const set = (...keys: object[]) => readKeySet(JSON.stringify({ keys }));
  const signing = (kid: string, x: string) => ({ kid, use: "sig", alg: "EdDSA", ...jwk(x) });

  it("is named by its keys that verify ID tokens, and by no others", async () => {
    const rsa = { kty: "RSA", e: "AQAB", n: "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ" };
    const read = await set(signing("a", "A"), { ...rsa, kid: "r" }, { ...rsa, kid: "e", use: "enc", alg: "RSA-OAEP" }, { ...rsa, kid: "l", alg: "RS512" }, { kty: "EC", crv: "P-521", x: "AA", y: "AA" });
    expect(read.fault).toBe("");
    expect(read.keys.map(({ kid, alg }) => [kid, alg])).toEqual([["a", "EdDSA"], ["r", "RS256"]]);
    expect(read.keys[0]?.jwk).toEqual({ kty: "OKP", crv: "Ed25519", x: "A".repeat(43) });
    expect((await set({ ...signing("a", "A"), d: "AA" })).fault).toBe("private");
    expect((await set({ kty: "oct", k: "AA" })).fault).toBe("private");
    expect((await set()).fault).toBe("none");
    expect((await readKeySet("{}")).fault).toBe("unreadable");
    expect((await set(...Array.from({ length: 9 }, (_, n) => signing(String(n), "A")))).fault).toBe("many");
  });

  it("has each key compared with what is registered: new, kept, or left out", async () => {
    const { keys: before } = await set(signing("a", "A"), signing("b", "E"));
    const { keys: next } = await set(signing("b", "E"), signing("a", "I"));
    expect((await compared(next, before)).map(({ kid, standing }) => [kid, standing])).toEqual([["b", "kept"], ["a", "new"], ["a", "gone"]]);
    // RFC 8037 appendix A.3.
    const { keys } = await readKeySet(JSON.stringify({ keys: [{ kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] }));
    const thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    expect((await compared(keys, []))[0]).toMatchObject({ kid: thumbprint, thumbprint, standing: "new" });
  });

  it("stands in the document, stays through other changes, and is taken out whole", async () => {
    const { keys } = await set(signing("a", "A"));
    const named = withProvider(application, { issuer: "https://id.example.org", client_id: "soins", keys, token_age: 900 });
    expect(JSON.parse(new TextDecoder().decode(bytesOf(named)))).toMatchObject({ provider: { issuer: "https://id.example.org", client_id: "soins", token_age: 900, keys: [{ kid: "a", alg: "EdDSA" }] } });
    expect(withKey(named, key("b")).provider).toEqual(named.provider);
    expect(withProvider(named, undefined)).toEqual(application);
  });

  it("is an https address, or one of this machine", () => {
    expect(["https://id.example.org/realms/a", "http://127.0.0.1:4000"].map(isIssuer)).toEqual([true, true]);
    expect(["http://id.example.org", "https://", "https://a?b", "https://u@a", "id", `https://${"a".repeat(96)}`].map(isIssuer)).toEqual(Array(6).fill(false));
  });
});

const datum: DatumDocument = {
  id: "x", organisation: ORGANISATION, application: "y", owner: "alice", name: "Ordonnance", tags: [], created: 1000, expires: 2000,
  valid_from: null, valid_until: null, status: "active", grants: [],
};
const grant = (to: { user: string } | { group: string }, from: number | null, until: number | null, status: "active" | "inactive" = "active") => ({ to, from, until, status });
const standings = (of: DatumDocument, now: number) => readersOf(of, now).map(({ kind, name, from, until, standing }) => [kind, name, from, until, standing]);

describe("who can read", () => {
  it("is the owner alone, unless somebody is authorised", () => expect(standings(datum, 1500)).toEqual([["owner", "alice", 1000, 2000, "reads"]]));

  it("is who is authorised, each in a window of their own, people before groups", () => {
    const grants = [
      grant({ group: "soignants" }, null, null), grant({ user: "zoé" }, 1600, null), grant({ user: "bob" }, null, 1500), grant({ user: "carol" }, 1400, 1501, "inactive"),
    ];
    expect(standings({ ...datum, grants }, 1500)).toEqual([
      ["owner", "alice", 1000, 2000, "reads"],
      ["user", "bob", 1000, 1500, "over"],
      ["user", "carol", 1400, 1501, "held"],
      ["user", "zoé", 1600, 2000, "later"],
      ["group", "soignants", 1000, 2000, "reads"],
    ]);
  });

  it("is nobody outside the datum's own window: it bounds the authorisations too", () => {
    const bounded = { ...datum, valid_from: 1200, valid_until: 1800, grants: [grant({ user: "bob" }, 100, 5000), grant({ user: "eve" }, 1900, null)] };
    expect(standings(bounded, 1100).map((one) => one[4])).toEqual(["later", "later", "over"]);
    expect(standings(bounded, 1200)).toEqual([["owner", "alice", 1200, 1800, "reads"], ["user", "bob", 1200, 1800, "reads"], ["user", "eve", 1900, 1900, "over"]]);
    expect(standings(bounded, 1800).map((one) => one[4])).toEqual(["over", "over", "over"]);
  });

  it("is drawn within the life of the key", () => expect([0, 1000, 1500, 2000, 9000].map((at) => placeOf(datum, at))).toEqual([0, 0, 0.5, 1, 1]));
});

describe("a search", () => {
  it("asks for what was typed, days from their beginning to their end", () => {
    const wanted = { ...wantedOf(new URLSearchParams()), name: " Mars ", created_from: "2026-03-01", created_until: "2026-03-31" };
    expect(Object.fromEntries(searchOf(wanted, "12.x"))).toEqual({
      name: "Mars", after: "12.x", created_from: String(new Date(2026, 2, 1).getTime()), created_until: String(new Date(2026, 3, 1).getTime()),
    });
    expect(searchOf({ ...wanted, created_from: "yesterday", created_until: "" }, null).toString()).toBe("name=Mars");
  });

  it("stands in the address, and comes back from it", () => {
    const wanted = { ...wantedOf(new URLSearchParams()), person: "alice@example.org", state: "inactive", tag: "2026" };
    expect(wantedOf(new URLSearchParams(addressOf(wanted)))).toEqual(wanted);
    expect([rare(wanted), rare(wantedOf(new URLSearchParams()))]).toEqual([1, 0]);
  });
});

describe("an erasure", () => {
  const at = (destroyed: number | null, due: number | null) => standingOf({ destroyed: destroyed === null ? null : { time: destroyed, index: 1 }, due }, 1000);

  it("is over once the key is gone, and late from the stated day on", () => {
    expect([at(900, 950), at(900, null), at(null, 1001), at(null, 1000), at(null, null)]).toEqual(["destroyed", "destroyed", "due", "overdue", "undated"]);
  });
});

describe("a look at what is on record", () => {
  const looked = { ...lookedOf(new URLSearchParams()), from: "2026-03-01", until: "2026-03-31", outcome: "refused" };

  it("asks for whole days, and goes on where it ended", () => {
    expect(Object.fromEntries(askedOf(looked, 41))).toEqual({
      outcome: "refused", before: "41", from: String(new Date(2026, 2, 1).getTime()), until: String(new Date(2026, 3, 1).getTime()),
    });
    expect(Object.fromEntries(askedOf({ ...looked, from: "soon", until: "" }, null))).toEqual({ outcome: "refused" });
  });

  it("is kept in the address, and read from it again", () => {
    expect(lookedOf(new URLSearchParams(addressOfRecords(looked)))).toEqual(looked);
    expect(addressOfRecords(lookedOf(new URLSearchParams()))).toBe("");
  });
});

describe("calls over time", () => {
  const now = new Date(2026, 2, 31, 16, 40).getTime();
  const local = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toString().slice(0, 21));

  it("stand in columns that end with the present one: hours, quarters of days, days", () => {
    const edges = (["day", "week", "month", "quarter"] as const).map((period) => edgesOf(period, now));
    expect(edges.map((each) => each.length)).toEqual([25, 29, 31, 91]);
    expect(edges.map((each) => local(each.at(-1)))).toEqual(["Tue Mar 31 2026 17:00", "Tue Mar 31 2026 18:00", "Wed Apr 01 2026 00:00", "Wed Apr 01 2026 00:00"]);
    expect(edges.slice(2).map((each) => local(each[0]))).toEqual(["Mon Mar 02 2026 00:00", "Thu Jan 01 2026 00:00"]);
    const [from, until] = spanOf(edges[3] ?? []);
    expect([from % 3_600_000, until % 3_600_000, until - from <= 100 * 24 * 3_600_000]).toEqual([0, 0, true]);
  });

  it("are summed, each hour in one column", () => {
    const hour = 3_600_000;
    const hours = [{ hour: 0, granted: 1, refused: 2 }, { hour, granted: 10, refused: 0 }, { hour: 2 * hour, granted: 100, refused: 5 }, { hour: 9 * hour, granted: 7, refused: 7 }];
    expect(columnsOf([0, 2 * hour, 4 * hour], hours).map(({ granted, refused }) => [granted, refused])).toEqual([[11, 2], [100, 5]]);
  });

  it("are drawn to a round number, over a period that is known", () => {
    expect([1, 2, 3, 7, 11, 499, 501].map(roundedUp)).toEqual([1, 2, 5, 10, 20, 500, 1000]);
    expect([periodOf("month"), periodOf("x"), periodOf(null)]).toEqual(["month", "week", "week"]);
  });

  it("and keys that end stand at their day", () => {
    const day = 24 * 3_600_000;
    expect(endingOf([{ day: 101 * day, data: 4 }, { day: 103 * day, data: 1 }], 100 * day + 5, 3).map(({ granted }) => granted)).toEqual([0, 4, 0]);
  });
});

describe("what sends the log to a security operations centre", () => {
  const chosen = { format: "syslog" as const, collector: "siem.example.org", identity: false, fromNow: false };

  it("takes an address, and nothing that would be more in a command", () => {
    expect(["siem.example.org", "10.0.0.7:6514", "siem", "[2001:db8::7]:4318", "a-b.c"].map(isCollector)).toEqual(Array(5).fill(true));
    expect(["", " siem", "a b", "a;reboot", "a\nb", "$(x)", "a:0", "a:70000", "a:b", "-x", "a..b", "tls://a", "a/b", "2001:db8::7"].map(isCollector)).toEqual(Array(14).fill(false));
  });

  it("names the place in the way of its format, on its usual port or the one that was said", () => {
    expect(FORMATS.map((format) => destinationOf({ ...chosen, format }))).toEqual(["tls://siem.example.org:6514", "tls://siem.example.org:6514", "tls://siem.example.org:6514", "https://siem.example.org:4318"]);
    expect(destinationOf({ ...chosen, format: "otlp", collector: "[2001:db8::7]:443" })).toBe("https://[2001:db8::7]:443");
  });

  it("says in the unit and at the receiver what was chosen", () => {
    const unit = unitOf({ ...chosen, identity: true, fromNow: true }, "https://sceau.example.org");
    for (const part of ["sceau trace export https://sceau.example.org ", "--format syslog", "--to tls://siem.example.org:6514", "--to-identity", "--from-now", "--every 10"]) expect(unit).toContain(part);
    expect(unitOf(chosen, "https://sceau.example.org")).not.toMatch(/--to-identity|--from-now/);
    expect(receiverOf({ ...chosen, collector: "siem:7000" })).toContain('port="7000"');
    expect(receiverOf({ ...chosen, identity: true })).toContain("x509/name");
    expect(receiverOf({ ...chosen, format: "otlp" })).toContain("endpoint: 0.0.0.0:4318");
  });
});

describe("an act on data", () => {
  const request = actOn("erase", ["a", "b"], "Demande", { organisation: ORGANISATION, account: "me" }, 1000);

  it("says what is meant, and who means it", () => {
    const { act, ...rest } = request;
    expect(act).toMatch(/^[0-9a-f-]{36}$/);
    expect(rest).toEqual({ v: 1, organisation: ORGANISATION, does: "erase", data: ["a", "b"], reason: "Demande", time: 1000, by: "me" });
  });

  it("is decided as it was, with whose decision it is on which request", () => {
    const version = { version: 1, hash: "f".repeat(64) };
    expect(decided({ document: request, version, index: 7 }, "approved", "you", 2000)).toEqual({ ...request, decision: { is: "approved", by: "you", time: 2000, request: version.hash } });
  });

  it("is shown by the words of today, also where it is of before", () => {
    const shown = ["deactivate", "activate", "hold", "erase"].map((does) => ofToday({ ...request, does: does as "hold" }).does);
    expect(shown).toEqual(["hold", "release", "hold", "erase"]);
  });

  it("has a reason of one line that is seen", () => {
    expect(["Demande n° 7", "é".repeat(500)].map(isReason)).toEqual([true, true]);
    expect(["", "é".repeat(501), "a\nb", "a\u202eb", "a\u200bb"].map(isReason)).toEqual(Array(5).fill(false));
  });
});
