/** Every call these pages make, typed in one place. Paths and shapes follow the platform's OpenAPI document. */
import { call, get, post, put, send } from "./http";
import type * as T from "./types";

const id = encodeURIComponent;

export const api = {
  config: () => get<T.Config>("/v1/config"),
  me: () => get<{ account: T.Account }>("/v1/me"),
  /** Where a provider of identities began the session, its own place to sign out at. */
  logout: async (): Promise<string | undefined> => {
    const response = await call("POST", "/v1/logout", { body: { json: {} } });
    return response.status === 200 ? ((await response.json()) as { continue_at: string }).continue_at : undefined;
  },
  providers: () => get<T.Provider[]>("/v1/providers"),
  providerFinish: (given: T.Arrival) => post<{ first: boolean }>("/v1/providers/finish", given),
  providerLinkPrepare: (given: T.Arrival) => post<T.Prepared>("/v1/providers/link/prepare", given),
  providerUnlinkPrepare: (name: string) => post<T.Prepared>(`/v1/providers/${id(name)}/unlink`),
  providerLink: (payload: string, proof: T.Proof) => send("/v1/providers/link", { payload, proof }),

  invitation: (token: string) => get<T.Invitation>(`/v1/invitations/${id(token)}`),
  passkeyRegisterBegin: (who: { email: string; name: string; invitation?: string }) =>
    post<{ registration_id: string; public_key: unknown }>("/v1/passkeys/register/begin", who),
  passkeyRegisterFinish: (registration_id: string, credential: unknown) =>
    send("/v1/passkeys/register/finish", { registration_id, credential }),
  passkeyLoginBegin: () => post<{ login_id: string; public_key: unknown }>("/v1/passkeys/login/begin"),
  passkeyLoginFinish: (login_id: string, credential: unknown) => send("/v1/passkeys/login/finish", { login_id, credential }),
  passwordRegister: (who: { email: string; name: string; password: string }) => send("/v1/passwords/register", who),
  passwordLogin: (email: string, password: string) => send("/v1/passwords/login", { email, password }),

  invitePrepare: (who: { role: T.Role; organisation: string | null; email: string; applications?: readonly string[] }) => post<T.Prepared>("/v1/invitations/prepare", who),
  invite: (payload: string, proof: T.Proof) => post<{ link: string }>("/v1/invitations", { payload, proof }),

  organisations: () => get<T.Organisation[]>("/v1/organisations"),
  organisation: (one: string) => get<T.Organisation>(`/v1/organisations/${id(one)}`),
  keyStatements: (one: string) => get<T.PublishedKey[]>(`/v1/organisations/${id(one)}/key-statements`),
  organisationPrepare: (draft: T.OrganisationDraft) => post<T.Prepared>("/v1/organisations/prepare", draft),
  organisationCreate: (payload: string, proof: T.Proof) => post<T.OrganisationCreated>("/v1/organisations", { payload, proof }),
  rootPrepare: (one: string, root: string) => post<T.Prepared>(`/v1/organisations/${id(one)}/root/prepare`, { root_fingerprint: root }),
  rootReplace: (one: string, payload: string, proof: T.Proof) => post<T.Organisation>(`/v1/organisations/${id(one)}/root`, { payload, proof }),

  schemes: () => get<T.SchemeListed[]>("/v1/schemes"),
  scheme: (one: string) => get<T.Scheme>(`/v1/schemes/${id(one)}`),
  traceEvidence: (index: number) => get<T.Evidence>(`/v1/trace/evidence/${index}`),
  schemePrepare: (draft: T.SchemeDraft) => post<T.Prepared>("/v1/schemes/prepare", draft),
  schemePublish: (payload: string, proof: T.Proof) => post<{ id: string }>("/v1/schemes", { payload, proof }),

  dossierBegin: (scheme: string) => post<T.DossierBegun>("/v1/dossiers", { scheme }),
  dossiers: () => get<(T.DossierListed | T.DossierTampered)[]>("/v1/dossiers"),
  dossier: (one: string) => get<T.Dossier>(`/v1/dossiers/${id(one)}`),
  dossierEvidence: (one: string, index: number) => get<T.Evidence>(`/v1/dossiers/${id(one)}/evidence/${index}`),
  partsReceived: (one: string, file: string) => get<{ parts: number[] }>(`/v1/dossiers/${id(one)}/files/${id(file)}`),
  putHeader: (one: string, file: string, octets: BufferSource, digest: string, signal?: AbortSignal) =>
    call("PUT", `/v1/dossiers/${id(one)}/files/${id(file)}/header`, { body: { octets, digest }, ...(signal ? { signal } : {}) }),
  putPart: (one: string, file: string, part: number, octets: BufferSource, digest: string, signal?: AbortSignal) =>
    call("PUT", `/v1/dossiers/${id(one)}/files/${id(file)}/parts/${part}`, { body: { octets, digest }, ...(signal ? { signal } : {}) }),
  withdraw: (one: string) => send(`/v1/dossiers/${id(one)}/withdraw`),
  intakeGrant: (one: string) => post<{ grant: string }>(`/v1/dossiers/${id(one)}/intake`),
  manifestPrepare: (one: string) => post<{ nonce: string }>(`/v1/dossiers/${id(one)}/manifest/prepare`),
  submit: (one: string, manifest: string, proof: T.Proof) => post<{ receipt: T.Evidence }>(`/v1/dossiers/${id(one)}/submit`, { manifest, proof }),

  deliveries: () => get<T.Deliveries>("/v1/administration/deliveries"),
  deliveryReplay: (one: string) => post<T.Deliveries>(`/v1/administration/deliveries/${id(one)}/replay`),
  deliveryDiscard: (one: string, reason: T.DiscardReason) => post<T.Deliveries>(`/v1/administration/deliveries/${id(one)}/discard`, { reason }),

  connectors: () => get<T.Connector[]>("/v1/organisation/connectors"),
  connectorMake: (name: string) => post<{ client_id: string; client_secret: string }>("/v1/organisation/connectors", { name }),
  connectorEnd: (one: string) => post<T.Connector[]>(`/v1/organisation/connectors/${id(one)}/end`),
  webhook: () => get<T.Webhook>("/v1/organisation/webhook"),
  webhookSet: (url: string) => put<T.Webhook>("/v1/organisation/webhook", { url }),
  webhookEnd: () => post<T.Webhook>("/v1/organisation/webhook/end"),
  webhookReplay: (one: string) => post<T.Webhook>(`/v1/organisation/webhook/dead-letters/${id(one)}/replay`),
  webhookDiscard: (one: string, reason: T.DiscardReason) => post<T.Webhook>(`/v1/organisation/webhook/dead-letters/${id(one)}/discard`, { reason }),

  elementNonce: () => post<{ nonce: string }>("/v1/element/nonce"),
  applications: () => get<T.ApplicationListed[]>("/v1/protect/applications"),
  applicationRegister: (version: { payload: string; previous: T.RowVersion | null; proof: T.Proof }) => send("/v1/protect/applications", version),
  data: (search: URLSearchParams) => get<T.DataFound>(`/v1/protect/data?${search.toString()}`),
  records: (search: URLSearchParams) => get<T.OnRecord>(`/v1/protect/records?${search.toString()}`),
  recordEvidence: (index: number) => get<T.Evidence>(`/v1/protect/records/${index}/evidence`),
  acts: (after: string | null) => get<T.ActsFound>(`/v1/protect/acts${after === null ? "" : `?${new URLSearchParams({ after }).toString()}`}`),
  act: (signed: { payload: string; previous: T.RowVersion | null; proof: T.Proof }) => send("/v1/protect/acts", signed),
  activity: (from: number, until: number) => get<T.Activity>(`/v1/protect/activity?from=${from}&until=${until}`),
  erasure: (one: string) => get<T.Certificate>(`/v1/protect/data/${id(one)}/erasure`),
  datum: (one: string) => get<T.DatumListed>(`/v1/protect/data/${id(one)}`),

  organisationDossiers: () => get<(T.DossierListed | T.DossierTampered)[]>("/v1/organisation/dossiers"),
  ticket: (one: string) => post<{ url: string }>(`/v1/dossiers/${id(one)}/ticket`),
};
