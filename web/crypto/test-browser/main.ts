// Runs every vector, and the worker, in the browser that opened this page. The result is JSON in #result, whose data-state says
// "done" or "failed".
import { CryptoWorker, fromBase64url, hex, parseHeader, type PrivateKey, type RecipientKey, keyIdHex, fromHex, sha256, unwrap } from "../src";
import { verifyByLibrary, verifyEd25519 } from "../src/jws";
import { type Case, cases, ELSEWHERE } from "./cases";
import { same } from "./same";

const files = import.meta.glob<string>("../../../crates/*/vectors/*.json", { eager: true, query: "?raw", import: "default" });

interface Result {
  passed: number;
  failed: { name: string; error: string }[];
  nativeEd25519: boolean;
  openMs: { envelope: number; bare: number };
}

async function main(): Promise<Result> {
  const ours = Object.entries(files).filter(([path]) => !ELSEWHERE.includes(path.split("/").at(-1) ?? path));
  const all: Case[] = ours.flatMap(([path, text]) =>
    cases(path.split("/").at(-1) ?? path, JSON.parse(text)).map(({ name, run }) => ({ name: `${path}: ${name}`, run })),
  );
  const openMs = { envelope: 0, bare: 0 };
  all.push({ name: "both judges of Ed25519 agree", run: ed25519 });
  all.push({ name: "a worker seals and opens 12 MB", run: async () => void Object.assign(openMs, await throughWorker()) });
  const failed: Result["failed"] = [];
  for (const { name, run } of all) {
    await run().catch((error: unknown) => failed.push({ name, error: String(error) }));
  }
  const nativeEd25519 = await crypto.subtle.importKey("raw", new Uint8Array(32), "Ed25519", false, ["verify"]).then(
    () => true,
    () => false,
  );
  return { passed: all.length - failed.length, failed, nativeEd25519, openMs };
}

// RFC 8032 section 7.1, test 3.
async function ed25519(): Promise<void> {
  const key = fromHex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
  const signature = fromHex(
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  );
  for (const message of [fromHex("af82"), fromHex("af83")]) {
    same(await verifyEd25519(key, signature, message), verifyByLibrary(key, signature, message));
  }
  same(await verifyEd25519(key, signature, fromHex("af82")), true);
}

async function throughWorker(): Promise<{ envelope: number; bare: number }> {
  const path = Object.keys(files).find((name) => name.endsWith("sceau-1.json"));
  const { keys } = JSON.parse(files[path ?? ""] ?? "{}") as { keys: Record<string, { public_key: string; private_key: string }> };
  const recipient: RecipientKey = { suite: "HPKE-X-Wing", publicKey: fromBase64url(keys["x_wing"]?.public_key ?? "") };
  const secret: PrivateKey = {
    suite: "HPKE-X-Wing",
    id: fromHex(await keyIdHex(recipient)),
    seed: fromBase64url(keys["x_wing"]?.private_key ?? ""),
  };
  const size = 12_000_000;
  const source = new Uint8Array(size).map((_, i) => i % 251);

  const worker = new CryptoWorker();
  const sealing = await worker.seal(new Blob([source]), { name: "douze.bin", type: "" }, [recipient]);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const part of sealing.all()) parts.push(part.bytes);
  const envelopeHash = await sealing.envelopeHash();
  const cek = await unwrap(parseHeader(sealing.header), secret);

  const begun = performance.now();
  const opening = worker.open(sealing.header, cek, parts.length);
  const plain: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of opening.all((index) => Promise.resolve(parts[index] as Uint8Array<ArrayBuffer>))) plain.push(piece);
  await opening.finish(envelopeHash);
  const envelope = performance.now() - begun;
  worker.close();
  same(opening.metadata, { name: "douze.bin", type: "application/octet-stream" });
  same(hex(await sha256(...plain)), hex(await sha256(source)));
  return { envelope, bare: await bareDecrypt(source) };
}

/** What one plain AES-GCM decryption of as many bytes takes here. */
async function bareDecrypt(source: Uint8Array<ArrayBuffer>): Promise<number> {
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const iv = new Uint8Array(12);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, source);
  const begun = performance.now();
  await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed);
  return performance.now() - begun;
}

const place = document.getElementById("result") as HTMLElement;
main().then(
  (result) => {
    place.textContent = JSON.stringify(result, null, 2);
    place.dataset["state"] = result.failed.length === 0 ? "done" : "failed";
  },
  (error: unknown) => {
    place.textContent = String(error);
    place.dataset["state"] = "failed";
  },
);
