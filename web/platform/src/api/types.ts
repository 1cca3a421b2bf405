/** What travels between these pages and the platform. Times: unix milliseconds. Binary: base64url without padding; hashes and key ids: lower-case hex. */

export type Role = "citizen" | "case_officer" | "supervisor" | "organisation_admin" | "data_officer" | "platform_admin";

/** `protects`: whether applications protect data here. */
export interface Config { origin: string; log_key: string; intake: IntakeHost | null; protects: boolean }
/** An intake as its operator published it: its web origin, and the key that its words verify under (base64url). */
export interface IntakeHost { url: string; key: string }

export interface Account {
  id: string;
  email: string;
  name: string;
  role: Role;
  organisation: string | null;
  /** Of a data officer, the applications whose data are theirs; null: all of the organisation's. */
  applications: string[] | null;
  has_passkey: boolean;
  has_password: boolean;
  /** Names of the providers of identities that open it. */
  providers: string[];
}

/** A provider of identities by which people sign in. */
export interface Provider { name: string; label: string; preset: "standard" | "keycloak" | "proconnect" | "franceconnect" }

/** Where a provider's own pages are, for one sign-in. */
export interface Departure { url: string }

/** What a provider gives the browser on its way back. */
export interface Arrival { provider: string; state: string; code?: string; iss?: string }

export interface Invitation { role: Role; organisation_name: string | null; email: string | null }

/** The two texts of what an organisation publishes. */
export interface Bilingual { fr: string; en: string }

export type FieldKind = "text" | "number" | "date" | "choice" | "checkbox";

export interface Choice { value: string; label: Bilingual }

export interface FormField {
  name: string;
  label: Bilingual;
  kind: FieldKind;
  required: boolean;
  /** A sensitive answer is sealed with the documents; the others are metadata that the platform reads. */
  sensitive: boolean;
  choices?: Choice[];
}

export interface DocumentSlot { name: string; label: Bilingual; required: boolean }

/** `intake`: which way documents come in; left away where the depositor's browser seals them. */
export interface SchemeDraft { title: Bilingual; description: Bilingual; form: FormField[]; documents: DocumentSlot[]; intake?: "sealed" | "scanned"; intake_host?: IntakeHost }

export interface SchemeListed { id: string; title: Bilingual; description: Bilingual; organisation: string; organisation_name: string }

/** `payload`: the exact bytes of the scheme's document; their SHA-256 is the manifest's `form_hash`. */
export interface Scheme extends SchemeListed { payload: string; index: number; organisation_row: OrganisationRow }

/** `payload`: the exact bytes of the organisation's document (`organisation`, `name`, `root_fingerprint`), which the log attests. */
export interface OrganisationRow { payload: string; index: number; evidence: Evidence }

/** A proof as a file: one record, its inclusion proof and the signed checkpoint. */
export type Evidence = Record<string, unknown>;

/** A certificate of erasure as a file: what the log has of it, with the evidence. Read by `verifyErasure`. */
export type Certificate = Record<string, unknown>;

export interface Recipient { statement_jws: string; evidence: Evidence | null; root_fingerprint: string; index: number }

/** A key as the organisation's root stated it, in the list of all of them: its evidence is asked for apart. */
export interface PublishedKey extends Recipient { key_id: string }

export interface DossierBegun { id: string; recipient: Recipient; evidence: Evidence }

export type DossierState = "draft" | "submitted" | "accepted" | "refused" | "more_information" | "withdrawn";

export type Verdict = "accepted" | "refused" | "more_information";

export interface TimelineEntry {
  time: number;
  action: string;
  actor_role: string;
  organisation_name: string | null;
  outcome: "intent" | "granted" | "refused";
  index: number;
}

/** `payload`: the exact bytes that the key manager signed, whose hash is in the record at `index`. */
export interface Decision { decision: Verdict; reason: string; role: string; time: number; index: number; payload: string }

/** A dossier whose rows the platform's database no longer holds as they were attested: nothing else is said of it. */
export interface DossierTampered { id: string; state: "tampered" }

export interface DossierListed {
  id: string;
  state: DossierState;
  scheme: string;
  title: Bilingual;
  organisation: string;
  organisation_name: string;
  intake: "sealed" | "scanned";
  created: number;
  submitted: number | null;
  decided: number | null;
}

export interface Dossier extends DossierListed {
  files: { file_id: string; size: number; parts: number }[];
  /** The exact bytes of the manifest, base64url; null for a draft. */
  manifest: string | null;
  /** On whose word the platform says the manifest is the depositor's; null for a draft. The pages ask the log's record instead. */
  manifest_asserted: "passkey" | "platform" | null;
  timeline: TimelineEntry[];
  decision: Decision | null;
}

export interface Organisation {
  id: string;
  name: string;
  root_fingerprint: string;
  current_key: { statement_jws: string; index: number; not_after: number } | null;
}

export interface OrganisationDraft { name: string; siret?: string; contact_email: string; root_fingerprint: string }

export interface OrganisationCreated { organisation: Organisation | string; client: { client_id: string; client_secret: string } }

/** What the platform prepared for the person to sign: the exact bytes, and the element's nonce. */
export interface Prepared { payload: string; nonce: string }

export interface PasskeyProof {
  type: "passkey";
  credential_id: string;
  authenticator_data: string;
  client_data_json: string;
  signature: string;
  nonce: string;
}

export type Proof = PasskeyProof | { type: "platform-asserted" };

/** Why something was not delivered: nobody is there; it was not wanted; it will never be taken; it could not be settled here. */
export type Cause = "away" | "unwanted" | "refused" | "unsettled";
export type DiscardReason = "handled_elsewhere" | "no_longer_wanted" | "cannot_be_delivered" | "test";

export interface DeadLetter {
  id: string;
  topic: string;
  company: string | null;
  organisation: string | null;
  created: number;
  attempts: number;
  cause: Cause;
  reason: string | null;
}

export interface Deliveries {
  topics: { topic: string; waiting: number; late: number; oldest: number | null; cause: Cause | null; reason: string | null; dead: number }[];
  dead: number;
  dead_letters: DeadLetter[];
}

export interface Connector { client_id: string; name: string; created: number; revoked: number | null; acknowledged: number }

export interface Webhook {
  url: string | null;
  waiting: { count: number; oldest: number; reason: string | null } | null;
  dead_letters: DeadLetter[];
}

/** A version of an attested row: `hash` is the SHA-256 of its document. */
export interface RowVersion { version: number; hash: string }

/** An application as the platform lists it. `payload`: the exact bytes of its document; `altered`: the database had something else. */
export interface ApplicationListed { application: string; payload: string; version: RowVersion; index: number; altered: boolean }

export type DatumState = "active" | "inactive" | "held" | "expired" | "erased";

export interface DatumLine {
  id: string;
  name: string;
  owner: string;
  application: string;
  tags: string[];
  created: number;
  expires: number;
  state: DatumState;
  grants: number;
  /** Calls about it that were refused, as the database counted them. */
  refusals: number;
  altered: boolean;
}

/** `next`: where to go on; `reached`: how far the search came, where it has a `next`. */
export interface DataFound { data: DatumLine[]; next: string | null; reached: number | null }

/** `payload`: the exact bytes of the datum's document. */
export interface DatumListed { payload: string; version: number; index: number; altered: boolean }

/** What is on record about protected data, as the platform lists it: the last first. `next` goes into `before` for what came earlier. */
export interface OnRecord { records: RecordLine[]; next: number | null; reached: number | null }
export interface RecordLine { index: number; time: number; action: string; outcome: "granted" | "refused"; code: string; application: string | null }

/** Data by state, and how many of those in use end on each of the next 30 days (a day of UTC, by its beginning). */
export interface DataCounted { active: number; inactive: number; held: number; expired: number; erased: number; ending: { day: number; data: number }[] }

/** Calls of applications, and data, as they were counted. `counted`: of how many entries of the log (`size`). */
export interface Activity {
  /** Null for officers of some applications. */
  data: DataCounted | null;
  hours: { hour: number; granted: number; refused: number }[];
  applications: { application: string; granted: number; refused: number }[];
  refusals: { code: string; calls: number }[];
  counted: number;
  size: number;
}

/** What waits for a second person (on the first page), and what was done. `next` goes into `after` for what was signed earlier. */
export interface ActsFound { waiting: ActListed[]; past: ActListed[]; next: string | null }

/** An act on data. `payload`: the exact bytes of its document, base64url. `ends`: until when a request may be approved. */
export interface ActListed {
  act: string;
  payload: string;
  version: RowVersion;
  index: number;
  state: "done" | "requested" | "approved" | "withdrawn" | "ended";
  ends: number | null;
  /** What the platform calls the accounts that signed, by their ids. */
  people: Readonly<Record<string, string>>;
  altered: boolean;
}
