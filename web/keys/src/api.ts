// What travels between these pages, their key manager (own origin) and the platform (one-use ticket, then a bearer token).
// Times: unix milliseconds. Binary: base64url without padding; hashes, ids of keys and fingerprints: lower-case hexadecimal.

/** GET /v1/config. */
export interface Config {
  organisation: { id: string; name: string; root_fingerprint: string };
  platform_origin: string;
  log_key: string;
  /** Whether documents are scanned before they are shown; null where no scanner is configured. */
  scanner: boolean | null;
}

export type CertificateRole = "case-officer" | "administrator";

/** GET /v1/whoami. */
export interface WhoAmI {
  /** `role` is null where the certificate is not accepted; `refusal` then says why, as a code. */
  certificate: { subject: string; fingerprint: string; role: CertificateRole | null } | null;
  refusal: string | null;
  account: { account: string; name: string; role: "case_officer" | "supervisor" } | null;
}

export type KeyState = "next" | "current" | "retired" | "withdrawn" | "destroyed";

export interface ManagedKey {
  key_id: string;
  use: "encrypt" | "sign";
  suite: "HPKE-X-Wing" | "RSA-OAEP-256" | "Ed25519";
  serial: number;
  state: KeyState;
  not_before: number;
  not_after: number;
  /** Where its statement is in the platform's trace; null until the platform has acknowledged it. */
  index: number | null;
  /** When it acknowledged it; null where that is not known. */
  acknowledged: number | null;
  /** Dossiers that still need it; null while the platform does not say. */
  open_dossiers: number | null;
}

/** GET /v1/keys. */
export interface Keys {
  root_fingerprint: string;
  /** Of a root that was made and waits to be enrolled. */
  next_root_fingerprint: string | null;
  keys: ManagedKey[];
  /** What is due, the most urgent first. */
  alerts: Alert[];
  backup: LastBackup | null;
  /** Name of the platform's trace, which acknowledges keys. */
  acknowledged_by: string | null;
  /** The key that is published to Mon Compte Mobilité; null where the policy names none. */
  mob: MobKeys | null;
  /** The last re-wrapping, or the one under way; null since the start. */
  rewrapped: Rewrapped | null;
}

export interface Rewrapped {
  running: boolean;
  /** Dossiers that were sealed to another key. */
  found: number;
  done: number;
  failed: { dossier: string; code: string }[];
  began: number;
}

export interface MobKeys {
  /** Name of the Transit key. */
  name: string;
  versions: MobVersion[];
}

export interface MobVersion {
  version: number;
  id: string;
  made: number;
  /** When the next one replaces it. */
  replaced: number;
  /** Until when MOB seals to it. */
  expires: number;
  kept_until: number;
  /** When MOB took it for each funder; null: not yet. */
  taken: Record<string, number | null>;
}

/** Something that is due, by when, and the key or certificate that it is about. */
export interface Alert {
  kind: string;
  subject: string | null;
  by: number;
}

export interface LastBackup {
  backup: string;
  made: number;
  threshold: number;
  custodians: number;
}

/** POST /v1/keys/withdraw. */
export type WithdrawalReason = "compromised" | "suspected" | "lost" | "departure";

/** GET /v1/status. */
export interface Status {
  connected: boolean;
  pending_records: number;
  foreign_statements: number;
  /** Kinds of what the key manager saw in the platform's log and must not be there. */
  alarms: string[];
  assignments: number;
  /** Whether it answers as a Vault does, and whether keys leave it so. */
  transit: "off" | "kept" | "exports";
}

/** GET and POST /v1/bindings, and what POST /v1/certificates/{fingerprint}/withdraw answers. */
export interface Binding {
  certificate_fingerprint: string;
  account: string;
  role: "case_officer" | "supervisor";
  name: string;
}

/** GET and POST /v1/assignments. */
export interface Assignment {
  dossier: string;
  accounts: string[];
}

/** POST /v1/certificates. */
export interface IssuedCertificate {
  pkcs12: string; // base64url
  password: string; // shown once
  fingerprint: string;
}

/** GET /v1/records[?before=n], newest last, at most 200: a record of the key manager's own trace, with its number. */
export interface OwnRecord {
  index: number;
  record: import("@sceau/crypto").TraceRecord;
  delivered: boolean;
}

export type Verdict = "accepted" | "refused" | "more_information";

/** GET /v1/reading/{dossier}/bundle, from the platform. */
export interface Bundle {
  manifest: string;
  manifest_evidence: unknown;
  scheme: string; // base64url of the exact bytes
  files: { file_id: string; parts: number; header: string }[];
  /** The platform's summary, which is not believed. */
  decision: { decision: Verdict; reason: string; time: number } | null;
  /** The exact bytes that the key manager signed (base64url), and the evidence that the log holds them. */
  decision_proof: { payload: string; evidence: unknown } | null;
}

/** POST /v1/tickets/exchange, from the platform. */
export interface ReadingSession {
  token: string;
  expires: number;
  dossier: string;
  reader: { account: string; role: string };
}

/** POST /v1/unwrap and /v1/decisions begin with what shows that the dossier is what the depositor sent. */
export type DossierProof = Pick<Bundle, "manifest" | "manifest_evidence" | "scheme"> & { dossier: string };

/** What the organisation's antivirus said of a document that is released: nothing found, or something and a supervisor's word. */
export type Scanned = { verdict: "clean" } | { verdict: "infected"; signature: string; reason: string; until: number };

/** POST /v1/unwrap: the content key, and what the key manager read in the manifest about this file. */
export interface Released {
  cek: string;
  record_index: number;
  envelope_hash: string;
  parts: number;
  /** null where no antivirus is configured. */
  scanned: Scanned | null;
}

/** GET /v1/colleagues, for a supervisor. */
export interface Colleague {
  account: string;
  name: string;
}

/** POST /v1/exceptions: one infected document that one officer may open for a while. */
export interface Granted {
  account: string;
  signature: string;
  reason: string;
  until: number;
}

/** GET /v1/exceptions and POST /v1/exceptions/{id}/revoke, for supervisors and administrators; the newest first. */
export interface Exception extends Granted {
  id: string;
  dossier: string;
  file_id: string;
  since: number;
  standing: "in_force" | "ended" | "revoked" | "lapsed";
  /** Of the officer and of the supervisor; null without a certificate here. */
  name: string | null;
  supervisor_name: string | null;
  revoked?: { at: number; by: string | null };
}

/** A refusal with its stable code (RFC 9457), or a cut connection (`network`). */
export class Problem extends Error {
  constructor(
    readonly code: string,
    readonly status = 0,
    readonly detail = "",
  ) {
    super(code);
    this.name = "Problem";
  }
}

interface Request {
  method?: "GET" | "POST";
  json?: unknown;
  token?: string;
}

async function call(url: string, { method = "GET", json, token }: Request): Promise<Response> {
  const headers = new Headers({ accept: "application/json" });
  if (json !== undefined) headers.set("content-type", "application/json");
  if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers,
      body: json === undefined ? null : JSON.stringify(json),
      // A client certificate is a credential to the browser; the platform gets none, only its token.
      credentials: url.startsWith("/") ? "same-origin" : "omit",
      redirect: "error",
      cache: "no-store",
      referrerPolicy: "no-referrer",
    });
  } catch {
    throw new Problem("network");
  }
  if (response.ok) return response;
  let body: { code?: unknown; detail?: unknown } = {};
  try {
    body = (await response.json()) as typeof body;
  } catch {
    // not a problem document: the status alone will do
  }
  throw new Problem(
    typeof body.code === "string" ? body.code : `http_${response.status}`,
    response.status,
    typeof body.detail === "string" ? body.detail : "",
  );
}

const read = async <T>(response: Promise<Response>): Promise<T> => (await (await response).json()) as T;

export const get = <T>(path: string): Promise<T> => read<T>(call(path, {}));
export const post = <T>(path: string, json: unknown = {}): Promise<T> => read<T>(call(path, { method: "POST", json }));

/** The platform, seen from here: one exchange, then ciphertext. */
export class Platform {
  #token = "";
  constructor(readonly origin: string) {}

  async exchange(ticket: string): Promise<ReadingSession> {
    const session = await read<ReadingSession>(
      call(`${this.origin}/v1/tickets/exchange`, { method: "POST", json: { ticket } }),
    );
    this.#token = session.token;
    return session;
  }

  /** What the key manager fetches a document with, where it has it examined first. */
  get session(): string {
    return this.#token;
  }

  bundle(dossier: string): Promise<Bundle> {
    return read<Bundle>(call(`${this.origin}/v1/reading/${dossier}/bundle`, { token: this.#token }));
  }

  async part(dossier: string, fileId: string, index: number): Promise<Uint8Array<ArrayBuffer>> {
    const url = `${this.origin}/v1/reading/${dossier}/files/${fileId}/parts/${index}`;
    const response = await call(url, { token: this.#token });
    return new Uint8Array(await response.arrayBuffer());
  }
}
