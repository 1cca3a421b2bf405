// Plays the key manager and the platform for the pages' tests, as the HTTP API says. It serves the built pages with the very headers that
// headers.json asks for. What a server must judge (certificates, proofs, quotas) is only acted here.
import { readFileSync } from "node:fs";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import { base64url, fileIdHex, fromBase64url, parseHeader, unwrap } from "@sceau/crypto";
import { file, serve } from "../../chromium";
import { DOSSIER, OFFICER, ORGANISATION, type World } from "./world";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const DAY = 86_400_000;
const SUPERVISOR = "c0ffee00-1111-4222-8333-444455557777";

export interface Stage {
  /** Who stands in front of the page. */
  who: "nobody" | "withdrawn" | "officer" | "supervisor" | "unbound" | "administrator";
  /** Problems to answer with, by path; `once`, the first time only. */
  refuse: Map<string, { status: number; code: string; detail?: string; once?: true }>;
  /** What the page asked for, in order. */
  asked: { path: string; body: unknown }[];
  now: number;
  /** What the platform gives instead of the dossier's own bundle. */
  bundle?: Record<string, unknown> | undefined;
  /** What the antivirus said of every document; null where there is none. */
  scanned: Record<string, unknown> | null;
  /** Kinds of alarms that the key manager raised. */
  alarms: string[];
}

export interface Mock {
  keys: string; // origin of the key manager
  platform: string;
  stage: Stage;
  ticket(): string;
  close(): void;
}

export async function mock(world: World): Promise<Mock> {
  const stage: Stage = { who: "officer", refuse: new Map(), asked: [], scanned: null, alarms: [], now: Date.UTC(2026, 10, 20, 12) };
  const tickets = new Set<string>();
  const token = "reading-token";
  const platform = await serve(async (request, response) => {
    const path = new URL(request.url ?? "/", "http://x").pathname;
    // The ticket session is open to this organisation's key manager only, and takes no cookie.
    response.setHeader("access-control-allow-origin", keysOrigin);
    response.setHeader("access-control-allow-headers", "authorization, content-type");
    response.setHeader("vary", "origin");
    if (request.method === "OPTIONS") return void response.writeHead(204).end();
    if (path === "/v1/tickets/exchange") {
      const { ticket } = (await body(request)) as { ticket: string };
      if (!tickets.delete(ticket)) return problem(response, 403, "ticket_invalid");
      return json(response, { token, expires: stage.now + 900_000, dossier: DOSSIER, reader: { account: OFFICER, role: "case_officer" } });
    }
    if (request.headers.authorization !== `Bearer ${token}`) return problem(response, 401, "reading_expired");
    if (path === `/v1/reading/${DOSSIER}/bundle`) return json(response, stage.bundle ?? world.bundle);
    const [, id, part] = new RegExp(`^/v1/reading/${DOSSIER}/files/([0-9a-f]{32})/parts/([0-9]+)$`).exec(path) ?? [];
    const bytes = world.files.find((f) => f.id === id)?.parts[Number(part)];
    if (!bytes) return problem(response, 404, "not_found");
    response.setHeader("content-type", "application/octet-stream");
    response.end(bytes);
  });
  const platformOrigin = `http://sceau.localhost:${platform.port}`;

  const keys = await serve(async (request, response) => {
    const path = new URL(request.url ?? "/", "http://x").pathname;
    if (!path.startsWith("/v1/")) return page(response, path, platformOrigin);
    if (request.method === "POST" && request.headers.origin !== keysOrigin) return problem(response, 403, "foreign_origin");
    const asked = request.method === "POST" ? await body(request) : null;
    stage.asked.push({ path, body: asked });
    const refusal = stage.refuse.get(path);
    if (refusal?.once) stage.refuse.delete(path);
    if (refusal) return problem(response, refusal.status, refusal.code, refusal.detail);
    const answer = await api(world, stage, platformOrigin, path, request.method === "POST" ? asked : undefined);
    return answer === undefined ? problem(response, 404, "not_found") : json(response, answer);
  });
  const keysOrigin = `http://cles.localhost:${keys.port}`;

  const close = (...servers: Server[]): void => servers.forEach((server) => server.close());
  return {
    keys: keysOrigin,
    platform: platformOrigin,
    stage,
    ticket: () => {
      const ticket = base64url(crypto.getRandomValues(new Uint8Array(32)));
      tickets.add(ticket);
      return `${keysOrigin}/open#ticket=${ticket}`;
    },
    close: () => close(platform.server, keys.server),
  };
}

async function api(world: World, stage: Stage, platform: string, path: string, posted: unknown): Promise<unknown> {
  const { now } = stage;
  switch (path) {
    case "/v1/config":
      return { organisation: { id: ORGANISATION, name: "Métropole de Vaubrun", root_fingerprint: world.root }, platform_origin: platform, log_key: world.log.vkey, scanner: stage.scanned && true };
    case "/v1/whoami":
      return whoami(stage);
    case "/v1/unwrap": {
      const { header } = posted as { header: string };
      const parsed = parseHeader(fromBase64url(header));
      const found = world.files.find((each) => each.id === fileIdHex(parsed));
      const cek = base64url(await unwrap(parsed, world.secret));
      return { cek, record_index: 41, envelope_hash: found?.hash, parts: found?.parts.length, size: found?.size, scanned: stage.scanned };
    }
    case "/v1/colleagues":
      return [{ account: OFFICER, name: "Anaïs Le Goff" }, { account: SUPERVISOR, name: "Karim Benali" }];
    case "/v1/exceptions":
      return posted === undefined ? exceptions(now, stage) : { ...(posted as object), signature: "Win.Test.EICAR_HDB-1", until: now + 3_600_000 };
    case "/v1/decisions":
      return { jws: "a.b.c", delivered: true };
    case "/v1/keys":
    case "/v1/root":
    case "/v1/keys/rotate":
    case "/v1/keys/withdraw":
    case "/v1/keys/rewrap":
      return {
        root_fingerprint: world.root,
        next_root_fingerprint: stage.asked.some((one) => one.path === "/v1/root") ? "5e".repeat(32) : null,
        keys: [
          key("encrypt", "HPKE-X-Wing", 2, "current", now - 165 * DAY, now + 18 * DAY, world.keyId, 12),
          key("encrypt", "HPKE-X-Wing", 3, "next", now + 18 * DAY, now + 200 * DAY, "1f".repeat(32), 57),
          key("encrypt", "RSA-OAEP-256", 1, "retired", now - 350 * DAY, now - 165 * DAY, "9c".repeat(32), 3),
          key("encrypt", "HPKE-X-Wing", 0, "destroyed", now - 520 * DAY, now - 350 * DAY, "d0".repeat(32), 1),
          key("sign", "Ed25519", 1, "current", now - 350 * DAY, now + 18 * DAY, "a7".repeat(32), 2),
          key("sign", "Ed25519", 0, "withdrawn", now - 400 * DAY, now - 350 * DAY, "b3".repeat(32), 1),
        ],
        alerts: [
          { kind: "backup_old", subject: null, by: now - DAY },
          { kind: "client_certificate_expires", subject: "3d".repeat(32), by: now + 9 * DAY },
        ],
        backup: { backup: "3f2a91bc44d0e1aa", made: now - 32 * DAY, threshold: 3, custodians: 5 },
        acknowledged_by: "sceau.example.org/log",
        rewrapped: stage.asked.some((one) => one.path === "/v1/keys/rewrap") ? { running: false, found: 3, done: 2, failed: [{ dossier: "0d4ee4a0-54a4-4a7c-a2b4-7d5e3f2f0a11", code: "header_forged" }], began: now } : null,
        mob: {
          name: "CLIENT",
          versions: [
            { version: 1, id: "9f0c4b7e-6a0e-4b57-8c55-6a1d64b7e7a1", made: now - 170 * DAY, replaced: now - 2 * DAY, expires: now + 14 * DAY, kept_until: now + 1109 * DAY, taken: { "funder-1": now - 170 * DAY } },
            { version: 2, id: "2b1de5c7-0a52-4f0e-9d0a-0c7a9a4b9c11", made: now - 2 * DAY, replaced: now + 166 * DAY, expires: now + 182 * DAY, kept_until: now + 1277 * DAY, taken: { "funder-1": null } },
          ],
        },
      };
    case "/v1/status":
      return { connected: true, pending_records: 0, foreign_statements: stage.alarms.filter((kind) => kind === "foreign_statement").length, alarms: stage.alarms, assignments: 1, transit: "off" };
    case "/v1/bindings":
      return [{ certificate_fingerprint: "3d".repeat(32), account: OFFICER, role: "case_officer", name: "Anaïs Le Goff" }];
    case "/v1/assignments":
      return [{ dossier: DOSSIER, accounts: [OFFICER] }];
    case "/v1/connectors":
      return grants(now, stage);
    case "/v1/certificates":
      return { pkcs12: base64url(new Uint8Array(64)), password: "brise-lagune-cobalt-septembre", fingerprint: "4e".repeat(32) };
    case "/v1/records":
      return records(now);
    default:
      if (/^\/v1\/exceptions\/[0-9a-f]{32}\/revoke$/.test(path)) return exceptions(now, stage);
      return /^\/v1\/(keys|certificates|connectors)\/[0-9a-f]{64}\/(destroy|withdraw|revoke)$/.test(path) ? [] : undefined;
  }
}

function grants(now: number, { asked }: Stage): unknown[] {
  const grant = (name: string, octet: string, from: number, to: number, schemes: string[] | null, decides: unknown): unknown => ({
    certificate_fingerprint: octet.repeat(32), name, schemes, not_before: now + from * DAY, not_after: now + to * DAY, decides,
  });
  const given = asked.filter((one) => one.path === "/v1/connectors" && one.body).map((one) => one.body);
  return [
    grant("paie", "6a", -30, 152, null, { account: OFFICER, role: "case_officer" }),
    grant("editeur.exemple", "7b", -200, -18, ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"], null),
    ...given,
  ].filter((one) => !asked.some(({ path }) => path === `/v1/connectors/${(one as { certificate_fingerprint: string }).certificate_fingerprint}/revoke`));
}

function exceptions(now: number, { asked }: Stage): unknown[] {
  const one = (octet: string, name: string | null, standing: string, ago: number, hours: number, reason: string): unknown => {
    const id = octet.repeat(16);
    const since = now - ago * 3_600_000;
    const back = asked.some(({ path }) => path === `/v1/exceptions/${id}/revoke`);
    return {
      id, name, reason, dossier: DOSSIER, file_id: octet.repeat(16), account: OFFICER, supervisor: SUPERVISOR, since, until: since + hours * 3_600_000,
      signature: "Win.Test.EICAR_HDB-1", supervisor_name: "Sylvie Superviseuse", envelope_hash: octet.repeat(32),
      ...(standing === "revoked" || back ? { standing: "revoked", revoked: { at: now, by: null } } : { standing }),
    };
  };
  return [
    one("a1", "Anaïs Le Goff", "in_force", 1, 4, "Faux positif connu de cet éditeur de factures ; l'original papier est perdu."),
    one("b2", "Karim Benali", "revoked", 30, 24, "Vérification."),
    one("c3", null, "ended", 200, 1, "Pièce indispensable au recours, examinée sur un poste isolé."),
  ];
}

function whoami({ who }: Stage): unknown {
  const certificate = (subject: string, role: string | null): unknown => ({ subject, fingerprint: "3d".repeat(32), role });
  if (who === "nobody") return { certificate: null, account: null, refusal: null };
  if (who === "withdrawn") {
    return { certificate: certificate("CN=Anaïs Le Goff, OU=case-officer", null), account: null, refusal: "certificate_withdrawn" };
  }
  if (who === "administrator") return { certificate: certificate("CN=Karim Benali, OU=administrator", "administrator"), account: null, refusal: null };
  if (who === "supervisor") {
    const account = { account: OFFICER, name: "Sylvie Superviseuse", role: "supervisor" };
    return { certificate: certificate("CN=Sylvie Superviseuse, OU=case-officer", "case-officer"), account, refusal: null };
  }
  const account = who === "officer" ? { account: OFFICER, name: "Anaïs Le Goff", role: "case_officer" } : null;
  return { certificate: certificate("CN=Anaïs Le Goff, OU=case-officer", "case-officer"), account, refusal: null };
}

function key(use: string, suite: string, serial: number, state: string, from: number, to: number, id: string, index: number): unknown {
  const open = state === "current" ? 4 : 0;
  return { key_id: id, use, suite, serial, state, not_before: from, not_after: to, index, open_dossiers: open, acknowledged: state === "next" ? null : from };
}

function records(now: number): unknown {
  const actor = { id: OFFICER, kind: "case_officer" };
  const record = (action: string, outcome: string, code: string, ago: number): unknown => ({
    action, actor, asserted: "organisation", attested: null, code, detail: {}, organisation: ORGANISATION, outcome,
    subjects: [{ id: DOSSIER, kind: "dossier" }], time: now - ago,
  });
  return [
    { index: 40, record: record("unwrap.intent", "intent", "", 60_000), delivered: true },
    { index: 41, record: record("unwrap.outcome", "granted", "", 59_000), delivered: true },
    { index: 42, record: record("unwrap.outcome", "refused", "not_assigned", 30_000), delivered: true },
    { index: 43, record: record("decision", "granted", "", 10_000), delivered: false },
  ];
}

/** As headers.json asks: by path, by folder, else the rest. */
function page(response: ServerResponse, path: string, platform: string): void {
  const all = JSON.parse(readFileSync(`${dist}/headers.json`, "utf8")) as Record<string, Record<string, string>>;
  const { body: content, type } = file(dist, path);
  const own = all[path] ?? (path.startsWith("/assets/") ? all["/assets/*"] : all["*"]) ?? {};
  for (const [name, value] of Object.entries(own)) response.setHeader(name, value.replace("{platform}", platform));
  response.setHeader("content-type", type);
  response.end(content);
}

async function body(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
}

function json(response: ServerResponse, value: unknown): void {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(value));
}

function problem(response: ServerResponse, status: number, code: string, detail?: string): void {
  response.statusCode = status;
  response.setHeader("content-type", "application/problem+json");
  response.end(JSON.stringify({ type: `urn:sceau:problem:${code}`, title: code, status, code, detail }));
}
