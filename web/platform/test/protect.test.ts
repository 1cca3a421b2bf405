// What the console's pages work out by themselves: documents to sign, who can read what, what is searched for.
import { describe, expect, it } from "vitest";
import { bytesOf, faultOfKid, hasRoom, registered, withEnded, withKey, withStatus } from "../src/protect/application";
import { type DatumDocument, placeOf, readersOf } from "../src/protect/datum";
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
