/** The platform's API for the pages' own tests: real proofs and signatures, no database, and faults on demand. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { extname, join, normalize } from "node:path";
import { base64url, fromBase64url, hex, proofChallenge, random32, sha256, utf8 } from "./tools";
import { ACCOUNT, ACCOUNTS, dossiers, enrol, NOW, publishSchemes, SCHEMES, schemeView } from "./content";
import { Post } from "./deliveries";
import { Intake } from "./intake";
import { Log } from "./log";
import { Protection } from "./protection";
import { MAIRIE, type MockOrganisation, organisation } from "./organisation";

export const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const TYPES: Record<string, string> = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2", ".svg": "image/svg+xml" };

type Answer = { status?: number; json?: unknown; octets?: Uint8Array; text?: string; cookie?: string; cut?: boolean };

export class Mock {
  readonly log = new Log();
  org!: MockOrganisation;
  all: Awaited<ReturnType<typeof dossiers>> = [];
  /** What arrived: part bytes by `file/part`, manifests, proofs. */
  readonly parts = new Map<string, number>();
  manifest: { text: string; proof: { type: string; challengeHeld?: boolean } } | undefined;
  /** Faults: paths (as substrings) that answer this status, or are cut when it is 0. */
  readonly faults = new Map<string, number>();
  /** Serve another organisation's statement, as a platform that wants to read would. */
  swapRecipient = false;
  /** What happens to submissions: the answer of the first is lost on the way; a second one of the same manifest is refused like any other;
   * the receipt is of another manifest; or the log got it on the platform's word although a passkey signed it. */
  submission: { loseFirst?: boolean; refuseSecond?: boolean; otherReceipt?: boolean; onItsOwnWord?: boolean } = {};
  /** Submitted manifests, and the log index of each. */
  readonly submitted: { dossier: string; text: string; index: number }[] = [];
  /** Nonces given for signing a manifest. */
  noncesForManifests = 0;
  /** Serve forms that ask for sensitive answers in the open, as a platform that wants to read them would. */
  openForm = false;
  /** Name the organisation otherwise than its attested row does: beside the row, or in it too. */
  rename: "beside" | "row" | undefined;
  /** Say another root than the attested row's. */
  otherRoot = false;
  /** Give out a dossier of somebody else, or the proof of another dossier. */
  begins: "for-another" | "another-dossier" | undefined;
  /** Say of everybody that they are another account. */
  otherAccount = false;
  /** Who was to be invited, as it was asked. */
  readonly invited: unknown[] = [];
  /** Another log's key than its own; a policy of witnesses, and authorities of time stamps, that it announces. */
  logKey: string | undefined;
  policy: string | undefined;
  stampAnchors: string | undefined;
  /** List a dossier whose rows are not what was attested. */
  tampered = false;
  other!: MockOrganisation;
  post = new Post();
  intake = new Intake();
  protection!: Protection;
  #nonce = "";
  #server: Server | undefined;

  constructor(private readonly dist: string, private readonly name = "Ville de Saint-Aubin") {}

  async start(): Promise<string> {
    const server = createServer((request, response) => void this.#serve(request, response));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const origin = `http://sceau.localhost:${typeof address === "object" && address ? address.port : 0}`;
    this.org = await organisation({ id: MAIRIE, name: this.name, intake: origin }, 11, Date.now());
    this.other = await organisation({ id: "99999999-9999-4999-8999-999999999999", name: "Autre", intake: origin }, 12, Date.now());
    for (const who of [this.org, this.other]) {
      this.log.append({
        action: "key.publish", actor: { id: who.id, kind: "key_manager" }, asserted: "organisation", organisation: who.id, time: NOW - 500 * 3_600_000,
        attested: { hash: who.statementHash, id: `${who.id}/encrypt`, kind: "key-statement", previous: null, version: 1 },
      });
    }
    await publishSchemes(this.log, this.org);
    await enrol(this.log, this.org);
    this.all = await dossiers(this.log, this.org);
    this.protection = new Protection(this.log, this.org.id);
    await this.protection.begin();
    return origin;
  }

  stop(): void {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? "/", "http://x").pathname;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const fault = [...this.faults].find(([part]) => path.includes(part))?.[1];
    if (fault === 0) return void request.socket.destroy();
    response.setHeader("content-security-policy", CSP);
    if (fault !== undefined) return problem(response, fault, "internal");
    if (!path.startsWith("/v1/") && !path.startsWith("/trace/")) return this.#file(path, response);
    const answer = await this.#answer(request.method ?? "GET", path, Buffer.concat(chunks), request);
    if (!answer) return problem(response, 404, "not_found");
    if (answer.cut) return cutShort(request, response);
    if (answer.cookie !== undefined) response.setHeader("set-cookie", `sceau_session=${answer.cookie}; Path=/; HttpOnly; SameSite=Strict`);
    if (answer.status && answer.status >= 400) return problem(response, answer.status, String(answer.text));
    response.statusCode = answer.status ?? (answer.json === undefined && !answer.octets && answer.text === undefined ? 204 : 200);
    if (answer.octets) return void response.setHeader("content-type", "application/octet-stream").end(answer.octets);
    if (answer.text !== undefined) return void response.setHeader("content-type", "text/plain; charset=utf-8").end(answer.text);
    response.setHeader("content-type", "application/json").end(answer.json === undefined ? "" : JSON.stringify(answer.json));
  }

  #file(path: string, response: ServerResponse): void {
    const file = join(this.dist, normalize(path));
    const found = extname(path) !== "" && existsSync(file) ? file : join(this.dist, "index.html");
    response.setHeader("content-type", TYPES[extname(found)] ?? "application/octet-stream");
    createReadStream(found).pipe(response);
  }

  async #answer(method: string, path: string, body: Buffer, request: IncomingMessage): Promise<Answer | undefined> {
    const json = (): Record<string, unknown> => JSON.parse(body.toString() || "{}") as Record<string, unknown>;
    const who = /sceau_session=(\w+)/.exec(request.headers.cookie ?? "")?.[1];
    const listed = this.all.map((one) => ({ ...one, files: undefined, timeline: undefined, decision: undefined, manifest_asserted: undefined }));
    const altered = this.tampered ? [{ id: "66666666-0000-4000-8000-000000000006", state: "tampered", title: null, organisation_name: null }] : [];
    const [, , kind = "", id = "", sub = "", file = "", what = "", n = ""] = path.split("/");
    const route = `${method} ${path}`;
    switch (route) {
      case "GET /v1/config": return { json: { origin: "http://sceau.localhost", log_key: this.logKey ?? (await this.log.vkey()), intake: this.org.intake, protects: true } };
      case "GET /v1/me": {
        const account = ACCOUNTS[who ?? ""] as { organisation: string | null } | undefined;
        if (!account) return { status: 401, text: "not_signed_in" };
        return { json: { account: { ...account, organisation: account.organisation ? this.org.id : null, ...(this.otherAccount ? { id: ACCOUNT.replaceAll("8", "9") } : {}) } } };
      }
      case "GET /v1/providers": return { json: [{ name: "franceconnect", label: "FranceConnect", preset: "franceconnect" }] };
      case "POST /v1/providers/franceconnect/begin":
      case "POST /v1/providers/franceconnect/link/begin": return { json: { url: "/retour/franceconnect?state=s&code=c&iss=i" } };
      case "POST /v1/providers/finish": return json().code === "c" ? { cookie: "citizen", json: { first: true } } : { status: 403, text: "provider_declined" };
      case "POST /v1/providers/link/prepare": return this.#prepared({ v: 1, account: ACCOUNT, issuer: "https://id.example.org", subject: "00" });
      case "POST /v1/providers/franceconnect/unlink": return this.#prepared({ v: 1, account: ACCOUNT, issuer: "https://id.example.org", subject: "00", status: "ended" });
      case "POST /v1/providers/link": return {};
      case "POST /v1/logout": return { cookie: "gone; Max-Age=0" };
      case "POST /v1/passkeys/register/begin": return { json: { registration_id: "r", public_key: creation() } };
      case "POST /v1/passkeys/login/begin": return { json: { login_id: "l", public_key: { challenge: random32(), rpId: "sceau.localhost", timeout: 60_000, userVerification: "preferred", allowCredentials: [] } } };
      case "POST /v1/passkeys/register/finish":
      case "POST /v1/passkeys/login/finish": return { cookie: "citizen" };
      case "POST /v1/passwords/login": return json().password === "une phrase juste" ? { cookie: "password" } : { status: 401, text: "credentials_refused" };
      case "POST /v1/passwords/register": return { cookie: "password" };
      case "GET /v1/schemes": return { json: await Promise.all(SCHEMES.map((one) => schemeView(one, this.org, this.log))) };
      case "GET /v1/dossiers": return { json: [...altered, ...listed] };
      case "GET /v1/organisation/dossiers": return { json: [...altered, ...listed.filter((one) => one.state !== "draft")] };
      case "GET /v1/organisations": return { json: [this.#view(this.org), { ...this.#view(this.other), name: "Caisse des transports", current_key: null }] };
      case "POST /v1/organisations/prepare": return this.#prepared({ v: 1, organisation: MAIRIE, name: json().name, root_fingerprint: json().root_fingerprint });
      case "POST /v1/organisations": return { json: { organisation: MAIRIE, client: { client_id: "km-3f0c1d2e", client_secret: "q7YV0n4kX2bWc9sT1uLmR8eZ5aHdJ6fP3gKoNvBiCyE" } } };
      case "POST /v1/schemes/prepare": return this.#prepared({ v: 1, ...json() });
      case "POST /v1/schemes": return { json: { id: SCHEMES[0]?.id } };
      case "POST /v1/invitations/prepare": this.invited.push(json()); return this.#prepared({ v: 1, role: json().role, organisation: json().organisation, ...(json().applications ? { applications: json().applications } : {}) });
      case "POST /v1/invitations": return { json: { link: "http://sceau.localhost/invitation#Yw3pLr8sQ0vT5xZ2" } };
      case "POST /v1/dossiers":
        this.submitted.length = 0; // one id serves all runs, one after the other
        return { json: await this.#begin(String(json().scheme)) };
      case "GET /trace/policy": return this.policy === undefined ? undefined : { text: this.policy };
      case "GET /trace/stamp-anchors": return this.stampAnchors === undefined ? undefined : { text: this.stampAnchors };
      case "GET /trace/checkpoint": return { text: await this.log.checkpoint() };
    }
    const posted = this.post.answer(method, path, request.headers["content-type"]?.startsWith("application/json") ? json() : {});
    if (posted) return posted;
    const protection = await this.protection.answer(method, new URL(request.url ?? "/", "http://x"), json);
    if (protection) return protection;
    if (kind === "deposits") return this.intake.answer(method, sub, file, json);
    if (kind === "dossiers" && sub === "intake") return this.intake.absent ? { status: 409, text: "no_intake" } : { json: { grant: "g" } };
    if (kind === "invitations" && method === "GET") return id === "bonne" ? { json: { role: "case_officer", organisation_name: this.org.name, email: "ines@exemple.fr" } } : { status: 404, text: "invitation_unknown" };
    if (kind === "organisations" && sub === "key-statements") return { json: [{ ...(await this.#recipient()), evidence: null, key_id: this.org.keyId }] };
    if (kind === "organisations" && sub === "root" && file === "prepare") return this.#prepared({ v: 1, organisation: id, name: this.org.name, root_fingerprint: json().root_fingerprint });
    if (kind === "organisations" && sub === "root") return { json: this.#view(this.org) };
    if (kind === "organisations" && method === "GET") return { json: this.#view(this.org) };
    if (kind === "schemes" && method === "GET") {
      const scheme = SCHEMES.find((one) => one.id === id);
      return scheme && { json: this.#lied(await schemeView(this.openForm ? inTheOpen(scheme) : scheme, this.org, this.log)) };
    }
    if (path.startsWith("/v1/trace/evidence/")) return { json: await this.log.evidence(Number(sub)) };
    if (path.startsWith("/trace/tile/entries/")) return { octets: this.log.bundle() };
    if (path.startsWith("/trace/tile/0/")) return { octets: await this.log.tile() };
    if (kind === "dossiers") return this.#dossier(method, { id, sub, file, what, n }, body, request);
    return undefined;
  }

  async #dossier(method: string, at: { id: string; sub: string; file: string; what: string; n: string }, body: Buffer, request: IncomingMessage): Promise<Answer | undefined> {
    const { id, sub, file, what, n } = at;
    const known = this.all.find((one) => one.id === id);
    if (method === "GET" && sub === "") return known ? { json: known } : this.#begun(id);
    if (sub === "evidence") return { json: await this.log.evidence(Number(file)) };
    if (sub === "ticket") return { json: { url: `https://cles.localhost:8443/open#ticket=t-${id}` } };
    if (sub === "files" && method === "PUT") {
      const digest = `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
      if (request.headers["content-digest"] !== digest) return { status: 400, text: "digest_mismatch" };
      this.parts.set(`${file}/${what}/${n}`, body.length);
      return {};
    }
    if (sub === "files") return { json: { parts: [...this.parts.keys()].filter((key) => key.startsWith(`${file}/parts/`)).map((key) => Number(key.split("/")[2])) } };
    if (sub === "manifest") {
      this.noncesForManifests += 1;
      return { json: { nonce: (this.#nonce = random32()) } };
    }
    if (sub === "withdraw") {
      this.all = this.all.filter((one) => one.id !== id);
      return {};
    }
    if (sub === "submit") return this.#submit(id, body);
    return undefined;
  }

  /** The evidence is of the dossier that was begun, or of the account or the dossier of somebody else. */
  async #begin(scheme: string) {
    const id = "77777777-0000-4000-8000-000000000007";
    const of = this.begins === "another-dossier" ? id.replaceAll("7", "8") : id;
    const index = this.log.append({
      action: "deposit.begin", actor: { id: this.begins === "for-another" ? ACCOUNT.replaceAll("8", "9") : ACCOUNT, kind: "citizen" }, asserted: "platform", organisation: this.org.id, time: NOW,
      attested: { hash: hex(await sha256(utf8(of))), id: of, kind: "dossier", previous: null, version: 1 },
      subjects: [{ id: of, kind: "dossier" }, { id: scheme, kind: "scheme" }],
    });
    return { id, recipient: await this.#recipient(), evidence: await this.log.evidence(index) };
  }

  async #submit(id: string, body: Buffer): Promise<Answer> {
    const said = JSON.parse(body.toString()) as { manifest: string; proof: { type: string; client_data_json?: string } };
    const bytes = fromBase64url(said.manifest);
    const text = new TextDecoder().decode(bytes);
    const before = this.submitted.find((one) => one.dossier === id);
    if (before) {
      if (before.text !== text || this.submission.refuseSecond) return { status: 409, text: "already_sent" };
      return { json: { receipt: await this.log.evidence(before.index) } };
    }
    const expected = said.proof.client_data_json === undefined ? undefined : base64url(await proofChallenge("manifest", bytes, fromBase64url(this.#nonce)));
    const client = JSON.parse(Buffer.from(said.proof.client_data_json ?? "", "base64url").toString() || "{}") as { challenge?: string };
    this.manifest = { text, proof: { type: said.proof.type, challengeHeld: expected !== undefined && client.challenge === expected } };
    const index = this.log.append({
      action: "deposit.complete", actor: { id: ACCOUNT, kind: "citizen" }, time: NOW,
      asserted: said.proof.type === "passkey" && !this.submission.onItsOwnWord ? "passkey" : "platform", subjects: [{ id, kind: "dossier" }],
      attested: { hash: this.submission.otherReceipt ? "0".repeat(64) : hex(await sha256(bytes)), id, kind: "manifest", previous: null, version: 1 },
    });
    this.submitted.push({ dossier: id, text, index });
    this.#addTo(id, index, said.manifest);
    if (this.submission.loseFirst) return { cut: true };
    return { json: { receipt: await this.log.evidence(index) } };
  }

  /** A dossier that was there before has a new manifest, and waits for the organisation again. */
  #addTo(id: string, index: number, manifest: string): void {
    const known = this.all.find((one) => one.id === id);
    if (!known) return;
    known.state = "submitted";
    known.manifest = manifest;
    known.timeline.push({ time: NOW, action: "deposit.complete", actor_role: "citizen", organisation_name: null, outcome: "granted", index });
  }

  /** A dossier of this run, as far as the deposit's page asks about it. */
  #begun(id: string): Answer | undefined {
    const sent = this.submitted.filter((one) => one.dossier === id);
    if (sent.length === 0) return undefined;
    const timeline = sent.map(({ index }) => ({ time: NOW, action: "deposit.complete", actor_role: "citizen", organisation_name: null, outcome: "granted", index }));
    return { json: { id, state: "submitted", timeline } };
  }

  async #recipient() {
    const who = this.swapRecipient ? this.other : this.org;
    return { statement_jws: who.statementJws, evidence: await this.log.evidence(this.swapRecipient ? 1 : 0), root_fingerprint: this.otherRoot ? this.other.fingerprint : this.org.fingerprint, index: 0 };
  }

  /** The organisation's decision on a dossier, as these bytes say it: signed and logged, whatever they say. */
  async redecide(at: number, text: string): Promise<void> {
    const dossier = this.all[at];
    if (!dossier?.decision) throw new Error("no decision there");
    const attested = { hash: hex(await sha256(utf8(text))), id: dossier.id, kind: "decision", previous: null, version: 1 };
    const index = this.log.append({ action: "decision", actor: { id: "o", kind: "case_officer" }, asserted: "organisation", organisation: this.org.id, time: NOW, attested });
    Object.assign(dossier.decision, { index, payload: base64url(utf8(text)) });
  }

  #lied<T extends { organisation_name: string; organisation_row: { payload: string } }>(scheme: T): T {
    if (this.rename === undefined) return scheme;
    const payload = new TextDecoder().decode(fromBase64url(scheme.organisation_row.payload)).replace("Ville de Saint-Aubin", "Ville de Vaubrun");
    const organisation_row = this.rename === "row" ? { ...scheme.organisation_row, payload: base64url(utf8(payload)) } : scheme.organisation_row;
    return { ...scheme, organisation_name: "Ville de Vaubrun", organisation_row };
  }

  #view(org: MockOrganisation) {
    return { id: org.id, name: org.name, root_fingerprint: org.fingerprint, current_key: { statement_jws: org.statementJws, index: 0, not_after: NOW } };
  }

  #prepared(document: unknown): Answer {
    this.#nonce = random32();
    return { json: { payload: base64url(utf8(JSON.stringify(document))), nonce: this.#nonce } };
  }
}

/** An answer that breaks off: a browser tries a request again by itself when nothing of the answer came. */
function cutShort(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json", "content-length": "9999" });
  response.write("{", () => request.socket.destroy());
}

function inTheOpen(scheme: (typeof SCHEMES)[number]): (typeof SCHEMES)[number] {
  return { ...scheme, form: scheme.form.map((question) => ({ ...question, sensitive: false })) } as typeof scheme;
}

function creation() {
  return {
    rp: { id: "sceau.localhost", name: "Sceau" }, user: { id: base64url(utf8(ACCOUNT)), name: "camille@exemple.fr", displayName: "Camille Martin" }, challenge: random32(),
    pubKeyCredParams: [{ type: "public-key", alg: -7 }, { type: "public-key", alg: -8 }], timeout: 60_000, attestation: "none",
    authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "preferred" },
  };
}

function problem(response: ServerResponse, status: number, code: string): void {
  response.statusCode = status;
  response.setHeader("content-type", "application/problem+json").end(JSON.stringify({ type: `urn:sceau:problem:${code}`, title: code, status, code }));
}
