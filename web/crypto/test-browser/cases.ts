// Each vector file of crates/*/vectors, as named cases that throw when they fail. Runs in Node and in a browser.
import { codeOf, fingerprint, fromHex, judgeCheckpoint, type JwsType, parsePolicy, type Policy, PolicySyntax, readAnchors, verifyEvidence, verifyJws, verifyStamp } from "../src";
import { fromBase64 } from "../src/bytes";
import { type EnvelopeVectors, envelopes } from "./envelopes";
import { same } from "./same";

export interface Case {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** What no page does: the older envelope, messages and statements of applications, shares of a key and webhooks are for programs only, what is
 * kept for years is opened by who kept it, and what a terminal of keyrings is held to is web/terminal's. */
export const ELSEWHERE: readonly string[] = [
  "characters.json", "jose-rfc.json", "jose-wycheproof-statements.json", "jose-wycheproof.json", "kept.json", "legible.json", "mob-2022.json", "shares.json", "terminal.json", "webhook.json",
];

export function cases(file: string, vectors: unknown): Case[] {
  switch (file) {
    case "evidence.json":
      return evidence(vectors as EvidenceVectors);
    case "jws.json":
      return statements(vectors as JwsVectors);
    case "policy.json":
      return policies(vectors as PolicyVectors);
    case "sceau-1.json":
      return envelopes(vectors as EnvelopeVectors);
    case "time-stamps.json":
      return timeStamps(vectors as StampVectors);
    default:
      throw new Error(`no runner for ${file}`);
  }
}

interface EvidenceVectors {
  cases: { name: string; file: string; log_key: string | null; expected: string; index?: number; size?: number; key_pinned?: boolean; record?: unknown }[];
}

function evidence({ cases }: EvidenceVectors): Case[] {
  return cases.map(({ name, file, log_key, expected, index, size, key_pinned, record }) => ({
    name,
    run: async () => {
      const verdict = await verifyEvidence(file, log_key).then(
        (v) => ({ code: "ok", index: v.index, size: v.checkpoint.size, key_pinned: v.keyPinned, ...(record ? { record: { ...v.record, v: 1 } } : {}) }),
        (error: unknown) => ({ code: codeOf(error) }),
      );
      same(verdict, expected === "ok" ? { code: "ok", index, size, key_pinned, ...(record ? { record } : {}) } : { code: expected });
    },
  }));
}

interface PolicyVectors {
  log_key: string;
  cases: { name: string; policy: string; file: string; expected: unknown }[];
}

function policies({ log_key, cases }: PolicyVectors): Case[] {
  const said = async (text: string, file: string): Promise<unknown> => {
    const { checkpoint } = await verifyEvidence(file, log_key);
    const policy = await parsePolicy(text).catch((error: unknown) => error);
    if (policy instanceof PolicySyntax) return { code: policy.code, line: policy.line };
    const verdict = await judgeCheckpoint(policy as Policy, checkpoint);
    switch (verdict.state) {
      case "met":
      case "unasked": return { code: "ok", cosigned: verdict.cosigned.map(({ witness, time }) => ({ name: witness.name, time })) };
      case "short": return { code: "policy.no_quorum", found: verdict.cosigned.length };
      case "forged": return { code: "note.bad_signature" };
      case "other_log": return { code: "policy.other_log" };
    }
  };
  return cases.map(({ name, policy, file, expected }) => ({ name, run: async () => same(await said(policy, file), expected) }));
}

interface StampVectors {
  imprint: string;
  anchors: Record<string, string>;
  no_anchors: { name: string; pem: string }[];
  cases: { name: string; token: string; anchors: string; expected: object }[];
}

function timeStamps({ imprint, anchors, no_anchors, cases }: StampVectors): Case[] {
  const said = (token: string, of: string) =>
    verifyStamp(fromBase64(token), fromHex(imprint), readAnchors(anchors[of] ?? "")).then(
      ({ policy, serial, signer, time }) => ({ code: "ok", policy, serial, signer, time }),
      (error: unknown) => ({ code: codeOf(error) }),
    );
  return [
    ...cases.map(({ name, token, anchors: of, expected }) => ({ name, run: async () => same(await said(token, of), expected) })),
    ...no_anchors.map(({ name, pem }) => ({
      name: `no anchors: ${name}`,
      run: async () => same(await Promise.resolve(pem).then(readAnchors).then(() => "ok", (error: unknown) => codeOf(error).split(".")[0]), "anchors"),
    })),
  ];
}

interface JwsVectors {
  signed: { name: string; public_key: string; kid: string; typ: JwsType; payload: string; jws: string }[];
  refused: { name: string; public_key: string; typ: JwsType; jws: string; code: string }[];
}

function statements({ signed, refused }: JwsVectors): Case[] {
  const read = async (jws: string, typ: JwsType, key: string) => new TextDecoder().decode(await verifyJws(jws, typ, fromHex(key)));
  return [
    ...signed.map(({ name, public_key, kid, typ, payload, jws }) => ({
      name,
      run: async () => {
        same(await fingerprint(fromHex(public_key)), kid);
        same(await read(jws, typ, public_key), payload);
      },
    })),
    ...refused.map(({ name, public_key, typ, jws, code }) => ({
      name,
      run: async () => same(await read(jws, typ, public_key).then(() => "ok", codeOf), code),
    })),
  ];
}
