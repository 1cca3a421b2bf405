import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { imprintOf, readAnchors, type TimeStamp, verifyEvidence, verifyStamp } from "../src";
import { type Bytes, concat, fromBase64, fromHex, hex } from "../src/bytes";
import { SceauError } from "../src/errors";
import { readCertificate } from "../src/stamp/certificate";
import { dotted, momentOf, NotDer, Reader, TAG, timeOf } from "../src/stamp/der";
import { nameText } from "../src/stamp/name";
import { readToken } from "../src/stamp/token";
import { vouchedFor } from "../src/stamp/way";

const json = (path: string): unknown => JSON.parse(readFileSync(new URL(`../../../crates/${path}`, import.meta.url), "utf8"));
const vectors = json("pki/vectors/time-stamps.json") as {
  evidence: string; imprint: string; anchors: Record<string, string>; cases: { name: string; token: string; anchors: string }[];
};
const imprint = fromHex(vectors.imprint);
const root = readAnchors(vectors.anchors["root"] ?? "");
const token = (name: string): Bytes => fromBase64(vectors.cases.find((one) => one.name === name)?.token ?? "");
const bytes = (...octets: number[]): Bytes => Uint8Array.from(octets);
const text = (tag: number, said: string): Bytes => bytes(tag, said.length, ...new TextEncoder().encode(said));

/** What it says, or the code of its refusal; anything else is thrown on. */
async function said(bytes: Bytes): Promise<TimeStamp | string> {
  try {
    return await verifyStamp(bytes, imprint, root);
  } catch (cause) {
    if (cause instanceof SceauError && cause.code.startsWith("stamp.")) return cause.code;
    throw cause;
  }
}

/** Numbers that are the same in each run (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

describe("a time stamp", () => {
  it("is of the checkpoint with its log's line alone, whoever cosigned", async () => {
    const policies = json("trace/vectors/policy.json") as { log_key: string; cases: { name: string; file: string }[] };
    const files = policies.cases.filter(({ name }) => [vectors.evidence, "two of three, nobody cosigned"].includes(name));
    expect(files.length).toBe(2);
    for (const { file } of files) {
      const { checkpoint } = await verifyEvidence(file, policies.log_key);
      expect(hex(await imprintOf(checkpoint))).toBe(vectors.imprint);
    }
  });

  it("says the same or nothing with any octet changed, and nothing when cut", async () => {
    for (const name of ["put together by hand", "RSA-PSS", "two authorities between"]) {
      const good = token(name);
      const whole = await said(good);
      expect(typeof whole).toBe("object");
      let refused = 0;
      for (let at = 0; at < good.length; at += 1) {
        const changed = good.slice();
        changed[at] = (changed[at] ?? 0) ^ 1;
        const now = await said(changed);
        if (typeof now === "string") refused += 1;
        else expect(now).toEqual(whole); // what is not signed: versions, certificates that nobody needs
        expect(typeof (await said(good.slice(0, at)))).toBe("string");
      }
      expect(refused * 2).toBeGreaterThan(good.length);
    }
  });

  it("that somebody made up is refused with a word, whatever its octets", async () => {
    const random = numbers(7);
    const seeds = vectors.cases.map((one) => fromBase64(one.token)).filter((one) => one.length < 8192);
    for (let run = 0; run < 3000; run += 1) {
      const made = (seeds[random(seeds.length)] ?? bytes()).slice();
      for (let change = random(6); change >= 0; change -= 1) {
        const at = random(made.length || 1);
        if (random(3) === 0) made.copyWithin(at, random(made.length || 1), random(made.length || 1));
        else made[at] = random(256);
      }
      const now = await said(made);
      if (typeof now === "object") expect(now.signer).toMatch(/^CN=[a-z0-9-]+,O=Horloges,C=FR$/);
    }
  });

  it("is not believed under an anchor of the same name and another key", async () => {
    const other = vectors.anchors["root.false"] ?? "";
    await expect(verifyStamp(token("put together by hand"), imprint, readAnchors(other))).rejects.toThrow("stamp.unauthorised");
    await expect(verifyStamp(token("put together by hand"), imprint, readAnchors(other + (vectors.anchors["root"] ?? "")))).resolves.toHaveProperty("serial", "0c");
  });

  it("with certificates that all vouch for one another ends, and is not believed", async () => {
    const [signer, ...between] = readToken(token("two authorities between")).certificates.map(readCertificate);
    const first = between.find(({ holder }) => holder.startsWith("CN=second"));
    if (!signer || !first) throw new Error("the vector has other certificates");
    const ring = Array.from({ length: 8 }, (_, at) => ({ ...first, issuer: first.subject, key: concat(first.key, bytes(at)) }));
    const of = { ...signer, issuer: first.subject };
    expect(await vouchedFor(of, ring, root, Date.UTC(2026, 10, 20))).toBe("none");
    const anchors = { certificates: Array.from({ length: 256 }, () => ({ ...first })) };
    expect(await vouchedFor({ ...of, signature: bytes() }, ring, anchors, Date.UTC(2026, 10, 20))).toBe("none");
  });
});

describe("anchors", () => {
  it("are taken from among other things, and named in their subjects' words", () => {
    const mixed = `Our root:\n-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n${(vectors.anchors["root"] ?? "").replaceAll("\n", "\r\n")}\nand no more`;
    expect(readAnchors(mixed).certificates.map(({ holder }) => holder)).toEqual(["CN=root,C=FR"]);
    expect(readAnchors(vectors.anchors["all"] ?? "").certificates.length).toBe(7);
  });
  it("longer than any, or more than any, are refused", () => {
    expect(() => readAnchors(" ".repeat((1 << 20) + 1))).toThrow("anchors.unreadable");
    expect(() => readAnchors((vectors.anchors["root"] ?? "").repeat(257))).toThrow("anchors.unreadable");
  });
});

describe("DER", () => {
  it("has lengths in the fewest octets, within the bytes, and tags of one octet", () => {
    expect(new Reader(bytes(4, 1, 9)).element().content).toEqual(bytes(9));
    expect(new Reader(bytes(4, 0)).element().content.length).toBe(0);
    for (const bad of [[4, 2, 9], [4, 0x81, 1, 9], [4, 0x80, 0, 0], [4, 0x82, 0, 0x80], [4, 0x85, 1, 0, 0, 0, 0], [4, 0x84, 0xff, 0xff, 0xff, 0xff], [0x1f, 1, 0], [4], []]) {
      expect(() => new Reader(bytes(...bad)).element(), String(bad)).toThrow(NotDer);
    }
  });
  it("has numbers that are minimal and not negative", () => {
    expect(new Reader(bytes(2, 1, 0)).unsigned()).toEqual(bytes());
    expect(new Reader(bytes(2, 2, 0, 0x80)).unsigned()).toEqual(bytes(0x80));
    for (const bad of [[2, 0], [2, 1, 0x80], [2, 2, 0, 1], [4, 1, 1]]) expect(() => new Reader(bytes(...bad)).unsigned(), String(bad)).toThrow(NotDer);
  });
  it("has times of this century and the last", () => {
    const read = (tag: number, said: string) => timeOf(new Reader(text(tag, said)).element());
    expect(read(TAG.utcTime, "491231235959Z")).toBe(2_524_607_999_000);
    expect(read(TAG.utcTime, "991231235959Z")).toBe(946_684_799_000);
    expect(read(TAG.time, "20500101000000Z")).toBe(2_524_608_000_000);
    for (const [tag, said] of [[TAG.utcTime, "491331235959Z"], [TAG.utcTime, "4912312359Z"], [TAG.time, "20500101000000.0Z"], [TAG.time, "500101000000Z"], [TAG.octets, "20500101000000Z"]] as const) {
      expect(() => read(tag, said), said).toThrow(NotDer);
    }
    expect(() => momentOf("20260230000000")).toThrow(NotDer);
  });
  it("has identifiers of up to 128 bits in each number", () => {
    expect(dotted(bytes(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1))).toBe("1.2.840.113549.1.9.1");
    expect(dotted(bytes(0x88, 0x37, 3))).toBe("2.999.3");
    expect(dotted(bytes(0x69, 0x83, ...Array<number>(17).fill(0xff), 0x7f))).toBe(`2.25.${2n ** 128n - 1n}`);
    for (const bad of [[], [0x55, 0x84], [0x55, 0x80, 4], [0x55, 0x84, ...Array<number>(17).fill(0x80), 0]]) expect(() => dotted(bytes(...bad)), String(bad)).toThrow(NotDer);
  });
  it("has names that do not break or turn around a line", () => {
    const name = (tag: number, value: number[], kind = [0x55, 4, 3]) => {
      const attribute = [6, kind.length, ...kind, tag, value.length, ...value];
      const set = [0x30, attribute.length, ...attribute];
      return bytes(0x30, set.length + 2, 0x31, set.length, ...set);
    };
    const utf8 = (said: string) => [...new TextEncoder().encode(said)];
    expect(nameText(name(TAG.utf8, utf8("Café, 1er")))).toBe("CN=Café\\, 1er");
    expect(nameText(name(TAG.utf8, utf8(" #a\u202eb\n ")))).toBe("CN=\\ #a\\e2\\80\\aeb\\0a\\ ");
    expect(nameText(name(TAG.bmp, [0, 0x41, 0x20, 0xac]))).toBe("CN=A€");
    expect(nameText(name(TAG.bmp, [0xd8, 0]))).toBe("CN=#1e02d800");
    expect(nameText(name(TAG.utf8, [0xff]))).toBe("CN=#0c01ff");
    expect(nameText(name(TAG.printable, utf8("x"), [0x2a, 3]))).toBe("1.2.3=#130178");
    for (const bad of [bytes(0x30, 2, 0x31, 0), bytes(0x30, 0, 0), name(0x30, []), name(0xa0, [])]) expect(() => nameText(bad)).toThrow(NotDer);
  });
});
