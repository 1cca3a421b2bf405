// What an application believes of a keyfront that answers anything. The true one is asked by tests/judges/protect_node.py.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { base64url, fromBase64url, fromUtf8, random } from "@sceau/crypto/envelope";
import { type ActingFor, Application, drawSigningKey, ProtectError } from "../src/index.js";
import { faultOf } from "../src/errors.js";

const NOW = Date.UTC(2026, 0, 1);
const DATUM = base64url(random(32));
const { key } = await drawSigningKey("ES256", "2026-a");
const base = { keyfront: "https://keys.example.org:8447", audience: "sceau.example.org/log", application: "9d3c1f0e-5d0e-4b43-9d39-6d2f3a0c1e77", key };

interface Sent {
  url: string;
  init: RequestInit;
  claims: Record<string, unknown>;
}

/** An application whose keyfront answers this, and what it was sent. */
function before(answer: (sent: Sent) => Response | Promise<Response>): { application: Application; alice: ActingFor; sent: Sent[] } {
  const sent: Sent[] = [];
  const fetch: typeof globalThis.fetch = async (url, init = {}) => {
    const payload = (init.body as string).split(".")[1] ?? "";
    const one = { url: (url as URL).href, init, claims: JSON.parse(fromUtf8(fromBase64url(payload))) as Record<string, unknown> };
    sent.push(one);
    return answer(one);
  };
  const application = new Application({ ...base, fetch, now: () => NOW });
  return { application, alice: application.as("alice", ["payroll"]), sent };
}

const json = (body: object, status = 200): Response => new Response(JSON.stringify(body), { status });

async function error(work: Promise<unknown>): Promise<ProtectError> {
  const said = await work.then(
    () => new Error("nothing was refused"),
    (error: unknown) => error,
  );
  expect(said).toBeInstanceOf(ProtectError);
  return said as ProtectError;
}

const access = (index: number): object => ({ index, time: NOW, action: "datum.open", refused: null, user: "alice", address: null, signer: "one", to: null });

describe("a call", () => {
  it("says who, for whom, when, once and what, and goes to one place", async () => {
    const { alice, sent } = before(() => json({ datum: DATUM, index: 7 }));
    await alice.grant(DATUM, { to: { user: "bob" }, until: new Date(NOW + 1500) });
    await alice.deactivate(DATUM);
    const [one, two] = sent as [Sent, Sent];
    const { jti, ...claims } = one.claims;
    expect(claims).toEqual({
      iss: base.application,
      aud: base.audience,
      iat: NOW / 1000,
      exp: NOW / 1000 + 120,
      sub: "alice",
      groups: ["payroll"],
      op: { grant: { datum: DATUM, grant: { to: { user: "bob" }, until: NOW / 1000 + 1 } } },
    });
    expect(jti).toMatch(/^[\w-]{32}$/);
    expect(two.claims["jti"]).not.toBe(jti);
    expect(one.url).toBe("https://keys.example.org:8447/v1/protect/calls");
    expect(one.init).toMatchObject({ method: "POST", redirect: "error", credentials: "omit", headers: { "content-type": "application/jose" } });
  });

  it("brings the ID token of the moment, where there is one", async () => {
    const { application, sent } = before(() => json({ datum: DATUM, index: 7 }));
    const tokens = ["first", "renewed"];
    const bob = application.as("bob", [], () => Promise.resolve(tokens.shift() ?? ""));
    await bob.deactivate(DATUM);
    await bob.activate(DATUM);
    expect(sent.map(({ claims }) => claims["id_token"])).toEqual(["first", "renewed"]);
  });

  it("goes in clear to this machine only", () => {
    for (const keyfront of ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "https://keys.example.org"]) {
      expect(() => new Application({ ...base, keyfront })).not.toThrow();
    }
    for (const keyfront of ["http://keys.example.org", "ftp://127.0.0.1", "keys.example.org", ""]) {
      expect(() => new Application({ ...base, keyfront })).toThrow("keyfront_address");
    }
  });
});

describe("a batch", () => {
  const refused = (code: string, status: number): object => ({ refused: { code, status, detail: "why" } });

  it("names its session once, and has an answer for each, an error where one is refused", async () => {
    const { alice, sent } = before(() => json({ items: [refused("user_not_authorised", 403), refused("unavailable", 503)] }));
    const field = { datum: DATUM, wrappedKey: "AAAA", ciphertext: "AAAA" };
    const opened = await alice.openFields([field, field]);
    expect(opened).toMatchObject([
      { code: "user_not_authorised", fault: "caller", status: 403, passing: false },
      { code: "unavailable", fault: "service", status: 503, passing: true },
    ]);
    expect(sent.map(({ url }) => url)).toEqual(["https://keys.example.org:8447/v1/protect/batches"]);
    const { open_many } = sent[0]?.claims["op"] as { open_many: { session: object; data: object[] } };
    expect(open_many.data).toEqual([1, 2].map(() => ({ datum: DATUM, wrapped_key: "AAAA" })));
    expect(open_many.session).toMatchObject({ alg: "ECDH-ES" });
    expect(sent[0]?.claims).not.toHaveProperty("prove");
  });

  it("of another number, about another datum or without a key is not believed", async () => {
    const granted = { datum: DATUM, index: 7 };
    const asked = [{ datum: base64url(random(32)), wrappedKey: "AAAA" }];
    for (const [items, code] of [
      [[], "answer_malformed"],
      [[{}], "answer_malformed"],
      [[{ granted }], "answer_unproven"],
      [[{ granted: { ...granted, datum: asked[0]?.datum } }], "answer_malformed"],
    ]) {
      const { alice } = before(() => json({ items }));
      expect(await error(alice.openMany(asked)), JSON.stringify(items)).toMatchObject({ code, fault: "answer" });
    }
  });

  it("is not asked for where answers are to be proven", async () => {
    const application = new Application({ ...base, logKey: "known", fetch: () => Promise.reject(new Error("asked")) });
    expect(await error(application.as("alice").createMany([{}]))).toMatchObject({ code: "answer_unproven" });
  });
});

describe("an answer", () => {
  it("about another datum is not believed", async () => {
    const { alice } = before(() => json({ datum: base64url(random(32)), index: 7 }));
    expect(await error(alice.activate(DATUM))).toMatchObject({ code: "answer_unproven", fault: "answer", passing: false });
  });

  it("that is something else is malformed", async () => {
    const list = (indices: number[], next: number | null): object => ({ datum: DATUM, index: 9, accesses: { list: indices.map(access), next } });
    const wrong = [{}, { datum: "short", index: 1 }, { datum: DATUM, index: -1 }, { datum: DATUM, index: 1 }, list([4, 4], null), list([4, 9], null), list([9, 4], 9), list([], 1), list([12], null)];
    for (const body of wrong) {
      const { alice } = before(() => json(body));
      expect(await error(alice.accesses(DATUM, 12)), JSON.stringify(body)).toMatchObject({ code: "answer_malformed", fault: "answer" });
    }
    const { alice } = before(() => json(list([11, 4], 4)));
    expect((await alice.accesses(DATUM, 12)).list.map(({ index }) => index)).toEqual([11, 4]);
    expect(await error(before(() => new Response("<html>")).alice.activate(DATUM))).toMatchObject({ code: "answer_malformed" });
    expect(await error(before(() => new Response("x".repeat(2_000_000))).alice.activate(DATUM))).toMatchObject({ code: "answer_malformed" });
  });

  it("without a key is none, and with one of an older call neither", async () => {
    const { alice } = before(() => json({ datum: DATUM, index: 7, wrapped_key: "AAAA" }));
    expect(await error(alice.create())).toMatchObject({ code: "answer_malformed" });
  });
});

describe("who is at fault", () => {
  it("is the problem's to say, and whether to ask again", async () => {
    const problem = (status: number, code: string) => before(() => json({ type: "about:blank", status, code, title: "t", detail: "d" }, status)).alice.activate(DATUM);
    expect(await error(problem(403, "user_not_authorised"))).toMatchObject({ code: "user_not_authorised", fault: "caller", status: 403, detail: "d", passing: false });
    expect(await error(problem(503, "unavailable"))).toMatchObject({ code: "unavailable", fault: "service", passing: true });
    expect(await error(before(() => new Response("Bad gateway", { status: 502 })).alice.activate(DATUM))).toMatchObject({ fault: "service", passing: true });
    expect(await error(before(() => Promise.reject(new TypeError("refused"))).alice.activate(DATUM))).toMatchObject({ code: "unreachable", fault: "network", passing: true });
  });

  it("is what docs/problem-codes.md says of each code that a keyfront gives", () => {
    const table = readFileSync(new URL("../../../docs/problem-codes.md", import.meta.url), "utf8");
    const section = table.split(/^## /m).find((part) => part.includes("`user_not_authorised`")) ?? "";
    const rows = [...section.matchAll(/^\| `(\w+)` \| (\d+) \| ([^|]+) \|/gm)];
    expect(rows.length).toBeGreaterThan(30);
    for (const [, code, status, fault] of rows) {
      expect(faultOf(Number(status)) === "caller", code).toBe(fault === "who asks");
    }
  });
});

it("the guide shows the example that the judge runs", () => {
  const guide = readFileSync(new URL("../../../docs/protect-in-ten-minutes.md", import.meta.url), "utf8");
  const example = readFileSync(new URL("../example/field.ts", import.meta.url), "utf8");
  expect(guide).toContain(`\`\`\`ts\n${example}\`\`\``);
});
