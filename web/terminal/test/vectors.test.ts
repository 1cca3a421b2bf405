// The vectors that the Rust rooms publish (crates/keyring/vectors): what both languages compute, show and refuse alike.
import { readFileSync } from "node:fs";
import { Fields } from "@sceau/crypto";
import { describe, expect, it } from "vitest";
import { open } from "../src/blob";
import { base64url, fromBase64url, fromUtf8, hex, utf8 } from "../src/bytes";
import { Channel, contextOf, fileOf } from "../src/channel";
import { sadOf, signaturesHash, transcript, unlockOf } from "../src/consent";
import { answerProof, firstProof, parseFactor, secondProof, shownFactor } from "../src/factors";
import { identityHash, parseIdentity } from "../src/identity";
import { parseRoamingCode } from "../src/join";
import { keyOf, keyOfJwk, unverifiedKid, verifyJws } from "../src/jws";
import { deriveFor } from "../src/labels";
import { description, type Illegible, label } from "../src/legible";
import { descriptionHash, parseRequest, requestHash } from "../src/request";
import { drawRoamingCode, isProofOfElement, placeOf, proofOfElement, proofOfTerminal, roamingKeys, shortCode } from "../src/roaming";

const vectors = (name: string): unknown => JSON.parse(readFileSync(new URL(`../../../crates/keyring/vectors/${name}`, import.meta.url), "utf8"));

interface Terminal {
  computed: {
    nonce: string;
    context: string;
    file: string;
    factors: {
      code: string;
      second: string;
      keyring: string;
      thumbprint: string;
      first_proof: string;
      second_proof: string;
      reply: Record<"channel" | "word" | "identity" | "policy" | "access" | "terminal" | "key" | "response" | "proof_of_one" | "proof_of_both", string>;
    };
    identity: { json: unknown; hash: string };
    unlock: Record<"export" | "secret" | "keyring" | "terminal" | "key" | "unlock", string>;
    request: Record<"json" | "jws" | "hash" | "description", string>;
    consent: Record<"json" | "transcript", string>;
    signatures: { signatures: string[]; hash: string };
    roaming: Record<"shown" | "proof" | "secret" | "short" | "place" | "channel" | "thumbprint" | "proof_of_terminal" | "proof_of_element" | "short_code" | "picture", string>;
  };
  drawn: Record<"up" | "up_text" | "down" | "inner" | "spki" | "thumbprint" | "jwk" | "jws", string>;
}

const { computed, drawn } = vectors("terminal.json") as Terminal;
const nonce = fromBase64url(computed.nonce);
const context = fromBase64url(computed.context);
const filled = (fill: number, length: number) => new Uint8Array(length).fill(fill);

describe("crates/keyring/vectors/terminal.json", () => {
  it("names contexts and what their keys are wrapped for", () => {
    expect(base64url(contextOf(nonce))).toBe(computed.context);
    expect(base64url(fileOf(context, nonce))).toBe(computed.file);
  });

  it("opens what the element's side seals, and no answer in the place of another", async () => {
    const channel = Channel.of(context, filled(2, 32));
    expect(JSON.parse(await channel.openDown(2, drawn.down))).toEqual({ is: "noted" });
    await expect(channel.openDown(1, drawn.down)).rejects.toThrow("channel_sealed");
    const place = new Uint8Array([...context, 0x55, 0, 0, 0, 0, 0, 0, 0, 1]);
    const up = deriveFor("sceau/kr-up", filled(2, 32), [context]);
    expect(fromUtf8(await open(up, "sceau/kr-message", place, fromBase64url(drawn.up)))).toBe(drawn.up_text);
    // What this side seals is opened by the same rule.
    expect(fromUtf8(await open(up, "sceau/kr-message", place, fromBase64url(await channel.sealUp(1, "words"))))).toBe("words");
  });

  it("proves factors, and judges the element's proof", () => {
    const { code, second, keyring, thumbprint, first_proof, second_proof, reply } = computed.factors;
    const factors = { code: parseFactor(code.toLowerCase().replaceAll("-", " "), 20), second: parseFactor(second, 16) };
    const print = fromBase64url(thumbprint);
    expect(base64url(firstProof(factors.code, keyring, nonce, print))).toBe(first_proof);
    expect(base64url(secondProof(factors, keyring, nonce, print) ?? new Uint8Array())).toBe(second_proof);
    const { access, key, response, proof_of_one, proof_of_both, ...texts } = reply;
    const said = { ...texts, access: fromBase64url(access), key: fromBase64url(key), response: fromBase64url(response) };
    expect(base64url(answerProof({ ...factors, second: null }, keyring, nonce, said))).toBe(proof_of_one);
    expect(base64url(answerProof(factors, keyring, nonce, said))).toBe(proof_of_both);
    expect(base64url(answerProof(factors, keyring, nonce, { ...said, word: `${said.word} ` }))).not.toBe(proof_of_both);
  });

  it("reads factors as people type them, and no others", () => {
    expect(fromUtf8(parseFactor("oil0-0000-0000-0000-0000", 20))).toBe("01100000000000000000");
    for (const wrong of ["", "0000", "0000-0000-0000-0000-00001", "u000-0000-0000-0000-0000", "é000-0000-0000-0000-000"]) {
      expect(() => parseFactor(wrong, 20), wrong).toThrow("factor_malformed");
    }
  });

  it("hashes holders, requests, proofs of PINs and signatures", () => {
    expect(identityHash(parseIdentity(Fields.of(computed.identity.json, "keyring_malformed")))).toBe(computed.identity.hash);
    expect(requestHash(computed.request.jws)).toBe(computed.request.hash);
    expect(descriptionHash(parseRequest(utf8(computed.request.json)))).toBe(computed.request.description);
    expect(transcript(filled(6, 96), filled(7, 320), filled(8, 64))).toBe(computed.consent.transcript);
    expect(signaturesHash(computed.signatures.signatures.map(fromBase64url))).toBe(computed.signatures.hash);
  });

  it("writes the consent byte for byte", () => {
    const request = parseRequest(utf8(computed.request.json));
    const policy = hex(new Uint8Array(fromPolicy()));
    const consent = sadOf({
      place: { keyring: computed.unlock.keyring, terminal: computed.unlock.terminal, key: fromBase64url(computed.unlock.key) },
      thumbprint: filled(3, 32),
      asked: { provider: "", request, jws: computed.request.jws, told: [], key: hex(filled(10, 32)) },
      challenge: { ke2: filled(7, 320), version: 3, hash: hex(filled(11, 32)), policy, challenge: computed.nonce, expected: null },
      seq: 2,
      opaque: computed.consent.transcript,
      time: 1_790_000_001_000,
    });
    expect(JSON.stringify(consent)).toBe(computed.consent.json);
  });

  it("unlocks, and seals the inner part", async () => {
    const { unlock } = computed;
    const place = { keyring: unlock.keyring, terminal: unlock.terminal, key: fromBase64url(unlock.key) };
    expect(unlockOf(fromBase64url(unlock.export), fromBase64url(unlock.secret), place)).toBe(unlock.unlock);
    const key = deriveFor("sceau/kr-use", filled(16, 64), [context]);
    const inner = JSON.parse(fromUtf8(await open(key, "sceau/kr-use", context, fromBase64url(drawn.inner)))) as unknown;
    expect(inner).toEqual({ sad: "header.payload.signature", unlock: [unlock.unlock], next: unlock.unlock });
  });

  it("derives a roaming code's keys, proves it both ways, and stretches the short code", async () => {
    const { roaming, unlock } = computed;
    const code = parseRoamingCode(` ${roaming.picture.toLowerCase()}\n`);
    expect(shownFactor(code)).toBe(roaming.shown);
    expect(parseRoamingCode(roaming.shown)).toEqual(code);
    const keys = roamingKeys(code);
    expect([keys.proof, keys.secret, keys.short].map(base64url)).toEqual([roaming.proof, roaming.secret, roaming.short]);
    expect(placeOf(keys.proof)).toBe(roaming.place);
    const print = fromBase64url(roaming.thumbprint);
    expect(base64url(proofOfTerminal(keys.proof, nonce, roaming.channel, print))).toBe(roaming.proof_of_terminal);
    expect(base64url(proofOfElement(keys.proof, nonce, roaming.channel, unlock.keyring, unlock.terminal))).toBe(roaming.proof_of_element);
    expect(isProofOfElement(fromBase64url(roaming.proof_of_element), keys.proof, nonce, roaming.channel, unlock.keyring, unlock.terminal)).toBe(true);
    expect(isProofOfElement(fromBase64url(roaming.proof_of_terminal), keys.proof, nonce, roaming.channel, unlock.keyring, unlock.terminal)).toBe(false);
    expect(shownFactor(await shortCode(keys.short, print))).toBe(roaming.short_code);
    expect(shownFactor(await shortCode(keys.short, filled(4, 32)))).not.toBe(roaming.short_code);
  });

  it("draws roaming codes of 24 characters, no two alike", () => {
    const drawn = Array.from({ length: 50 }, () => shownFactor(drawRoamingCode()));
    expect(new Set(drawn).size).toBe(50);
    for (const code of drawn) expect(code).toMatch(/^(?:[0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}$/);
    for (const wrong of ["", "SCEAU:ROAM:", "0000-0000-0000-0000-0000", "https://example.org"]) expect(() => parseRoamingCode(wrong), wrong).toThrow("code_malformed");
  });

  it("names keys by their thumbprint, and believes what they signed alone", async () => {
    const key = await keyOf(fromBase64url(drawn.spki));
    expect(base64url(key.thumbprint)).toBe(drawn.thumbprint);
    expect(base64url((await keyOfJwk(drawn.jwk)).thumbprint)).toBe(drawn.thumbprint);
    expect(unverifiedKid(drawn.jws)).toBe(drawn.thumbprint);
    expect(fromUtf8(await verifyJws(drawn.jws, "sceau-kr-request", key))).toBe(computed.request.json);
    await expect(verifyJws(drawn.jws, "sceau-kr-proof", key)).rejects.toThrow("another typ");
    const [header, , signature] = drawn.jws.split(".");
    const altered = `${header ?? ""}.${base64url(utf8(computed.request.json.replace("250", "900")))}.${signature ?? ""}`;
    await expect(verifyJws(altered, "sceau-kr-request", key)).rejects.toThrow("not its key's");
    const none = `${base64url(utf8(`{"alg":"none","kid":"${drawn.thumbprint}","typ":"sceau-kr-request"}`))}.${base64url(utf8("{}"))}.`;
    await expect(verifyJws(none, "sceau-kr-request", key)).rejects.toThrow("unproven");
  });
});

/** The policy's hash, as the consent says it. */
function fromPolicy(): number[] {
  const { policy } = JSON.parse(computed.consent.json) as { policy: string };
  return (policy.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
}

interface Vector {
  text: string;
  repeat?: number;
  verdict: Illegible | null;
}

describe("crates/keyring/vectors/legible.json", () => {
  const { descriptions, labels } = vectors("legible.json") as { descriptions: Vector[]; labels: Vector[] };
  it.each(descriptions)("judges the description $text", ({ text, repeat = 1, verdict }) => expect(description(text.repeat(repeat))).toBe(verdict));
  it.each(labels)("judges the label $text", ({ text, repeat = 1, verdict }) => expect(label(text.repeat(repeat))).toBe(verdict));
  it("refuses half a character, which JSON can carry and Rust cannot", () => expect(description("a\ud800b")).toBe("text_unseen"));
});

describe("crates/keyring/vectors/characters.json", () => {
  const patterns = Object.entries(vectors("characters.json") as Record<string, string[]>);
  it.each(patterns)("judges every character of Unicode in %s as the element does", (pattern, runs) => {
    const starts = runs.map((run) => Number.parseInt(run, 16));
    const verdicts = runs.map((run) => run.split(" ")[1]);
    const differ: string[] = [];
    for (let point = 0, at = 0; point <= 0x10ffff; point += 1) {
      if (starts[at + 1] === point) at += 1;
      if (point >= 0xd800 && point <= 0xdfff) continue;
      const text = pattern.replace("%", () => String.fromCodePoint(point));
      const verdict = description(text) ?? "shown";
      // What this engine's tables have no character for is refused, whatever newer ones say.
      const agrees = verdict === verdicts[at] || (/\p{Cn}/u.test(text) && verdict !== "shown");
      if (!agrees) differ.push(`${point.toString(16)} ${verdict}, not ${verdicts[at] ?? ""}`);
    }
    expect(differ.slice(0, 20)).toEqual([]);
  });
});
