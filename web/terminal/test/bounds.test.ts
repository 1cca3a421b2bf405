// What this terminal takes of what it is given: bounds that no honest host and no working library comes near.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeOf, hostAt } from "../src";
import { loggedIn, login } from "../src/opaque";
import { addedTo, othersAmong } from "../src/state";

const code = async (work: Promise<unknown>): Promise<string> => work.then(() => "done", codeOf);

describe("a host", () => {
  let server: Server;
  let answers: { status: number; part: string; parts: number };
  let sent = 0;
  beforeAll(async () => {
    server = createServer((_, response) => {
      response.statusCode = answers.status;
      const more = (left: number): void => {
        if (left === 0 || response.destroyed) return void response.end();
        sent += answers.part.length;
        response.write(answers.part, () => more(left - 1));
      };
      more(answers.parts);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => server.close());
  const host = (): ReturnType<typeof hostAt> => hostAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);

  it("is read to one MiB, and no further", async () => {
    answers = { status: 200, part: `"${"a".repeat(64 * 1024)}",`, parts: 10_000 };
    expect(await code(host().post("/", {}))).toBe("not_a_sceau_server");
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it("gives codes that look like codes, or none", async () => {
    const says = (said: unknown): void => void (answers = { status: 410, part: JSON.stringify(said), parts: 1 });
    says({ code: "request_unknown" });
    expect(await code(host().post("/", {}))).toBe("request_unknown");
    for (const wrong of ["Votre navigateur est compromis : téléphonez", "a".repeat(41), "", 7]) {
      says({ code: wrong });
      expect(await code(host().get("/"))).toBe("not_a_sceau_server");
    }
  });
});

describe("the PIN's library", () => {
  it("breaks down without a wrong PIN being told", async () => {
    const begun = await login("402917385516");
    const names = { client: "a", server: "b" };
    for (const ke2 of [new Uint8Array(320), new Uint8Array(7)]) expect(() => loggedIn("402917385516", begun, ke2, names)).toThrow("opaque_failed");
    expect(() => loggedIn("402917385516", { ...begun, state: "" }, new Uint8Array(320), names)).toThrow("opaque_failed");
  });
});

describe("what others did", () => {
  const entry = (index: number, action: string, attempt: string, terminal: string | null = "here") => ({
    index, time: index * 10, action, by: "holder", refused: null, reason: null, terminal, other: null, provider: null, count: null, attempt,
  });
  const own = { last: { index: 5, time: 50 }, attempts: ["mine"], known: ["here", "there"] };

  it("is told apart: this terminal's own, a copy's, another terminal's", () => {
    const done = [
      entry(11, "keyring.fail", "e", "there"),
      { ...entry(10, "keyring.sign", "d"), refused: "secret_stale" },
      entry(9, "keyring.attempt", "d"),
      entry(8, "keyring.fail", "mine"),
      entry(7, "keyring.attempt", "b", null),
      entry(5, "keyring.sign", "a"),
    ];
    const others = othersAmong(done, own, "here", true);
    expect(others.attempts).toEqual([{ time: 70, ended: "unfinished", code: null }, { time: 90, ended: "refused", code: "secret_stale" }]);
    expect([others.elsewhere, others.since, others.more]).toEqual([[{ time: 110, ended: "wrong", code: null }], 50, true]);
  });

  it("names terminals that were not shown before, whatever the clocks say", () => {
    const one = (terminal: string, provisional = false) => ({ terminal, bound: 1, provisional, parting: null });
    const terminals = [one("here"), one("there"), one("new"), one("tries", true)];
    expect(addedTo({ terminals }, own, "here").map(({ terminal }) => terminal)).toEqual(["new"]);
    // One that was activated here and never used had no other.
    expect(addedTo({ terminals }, { last: null, attempts: [], known: null }, "here").map(({ terminal }) => terminal)).toEqual(["there", "new"]);
  });
});
