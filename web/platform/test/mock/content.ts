/** What the mock platform holds: plausible schemes and dossiers, in both languages. */
import { base64url, fileIdOf, hex, manifestBytes, sha256, utf8 } from "@sceau/crypto";
import type { Draft, Log } from "./log";
import type { MockOrganisation } from "./organisation";

export const NOW = Date.parse("2026-11-20T09:30:00Z");
const hour = 3_600_000;

/** The account of all who sign in. */
export const ACCOUNT = "8d5e7c1a-0b2c-4d3e-9f4a-5b6c7d8e9f0a";

export const ACCOUNTS: Record<string, object> = {
  citizen: account("citizen", "Camille Martin", null, true),
  password: account("citizen", "Noé Petit", null, false),
  case_officer: account("case_officer", "Inès Garnier", "mairie", true),
  organisation_admin: account("organisation_admin", "Paul Lefèvre", "mairie", true),
  data_officer: account("data_officer", "Lise Moreau", "mairie", true),
  platform_admin: account("platform_admin", "Sam Roux", null, true),
};

function account(role: string, name: string, organisation: string | null, passkey: boolean) {
  return { id: ACCOUNT, email: "exemple@exemple.fr", name, role, organisation, applications: null, has_passkey: passkey, has_password: !passkey, providers: [] };
}

export const SCHEMES = [
  {
    id: "11111111-1111-4111-8111-111111111111",
    title: { fr: "Aide au vélo à assistance électrique", en: "Grant for an electric bicycle" },
    description: {
      fr: "Pour les habitants de la ville qui achètent un vélo neuf ou d’occasion. Nous répondons sous quinze jours ouvrés.",
      en: "For residents of the city who buy a new or second-hand bicycle. We answer within fifteen working days.",
    },
    form: [
      { name: "price", label: { fr: "Prix d’achat, en euros", en: "Purchase price, in euros" }, kind: "number", required: true, sensitive: false },
      {
        name: "kind", label: { fr: "Type de vélo", en: "Kind of bicycle" }, kind: "choice", required: true, sensitive: false,
        choices: [{ value: "city", label: { fr: "De ville", en: "City" } }, { value: "cargo", label: { fr: "Cargo", en: "Cargo" } }],
      },
      { name: "income", label: { fr: "Revenu fiscal de référence", en: "Reference tax income" }, kind: "number", required: true, sensitive: true },
      { name: "honour", label: { fr: "Je certifie que ces réponses sont exactes", en: "I certify that these answers are true" }, kind: "checkbox", required: true, sensitive: false },
    ],
    documents: [
      { name: "identity", label: { fr: "Pièce d’identité", en: "Identity document" }, required: true },
      { name: "invoice", label: { fr: "Facture du vélo", en: "Invoice for the bicycle" }, required: true },
      { name: "notice", label: { fr: "Avis d’imposition", en: "Tax notice" }, required: false },
    ],
  },
  {
    id: "22222222-2222-4222-8222-222222222222",
    title: { fr: "Fonds de solidarité logement", en: "Housing solidarity fund" },
    description: {
      fr: "Une aide ponctuelle pour entrer dans un logement ou s’y maintenir. Joignez tout document qui explique votre situation.",
      en: "One-off help to move into a home or to stay in it. Attach any document that explains your situation.",
    },
    form: [],
    documents: [],
  },
  {
    id: "33333333-3333-4333-8333-333333333333",
    title: { fr: "Inscription en crèche municipale", en: "Municipal nursery registration" },
    description: {
      fr: "Commission d’attribution du printemps. Les dossiers incomplets sont renvoyés pour complément.",
      en: "Spring allocation committee. Incomplete dossiers are sent back for more.",
    },
    form: [],
    documents: [{ name: "booklet", label: { fr: "Livret de famille", en: "Family record book" }, required: true }],
  },
  {
    id: "44444444-4444-4444-8444-444444444444",
    title: { fr: "Forfait mobilités durables", en: "Sustainable mobility allowance" },
    description: {
      fr: "Pour les agents qui viennent à vélo, en covoiturage ou par les transports en commun.",
      en: "For employees who come by bicycle, by shared car or by public transport.",
    },
    form: [],
    documents: [{ name: "proof", label: { fr: "Justificatif de trajet", en: "Proof of travel" }, required: true }],
    intake: "scanned",
  },
];

/** Log index of the first scheme's attestation: the two organisations' keys come before. */
const FIRST_SCHEME = 2;

export async function schemeView(scheme: (typeof SCHEMES)[number], org: MockOrganisation, log: Log) {
  const { id, title, description } = scheme;
  const payload = base64url(schemeBytes(scheme, org));
  return { id, organisation: org.id, organisation_name: org.name, title, description, payload, index: FIRST_SCHEME + SCHEMES.findIndex((one) => one.id === id), organisation_row: await organisationRow(org, log) };
}

function schemeBytes({ id, ...content }: (typeof SCHEMES)[number], org: MockOrganisation) {
  const scanned = "intake" in content ? { intake_host: org.intake } : {};
  return utf8(JSON.stringify({ v: 1, scheme: id, organisation: org.id, ...content, ...scanned }));
}

/** The schemes' attestations, in the log at once after the keys. */
export async function publishSchemes(log: Log, org: MockOrganisation): Promise<void> {
  for (const scheme of SCHEMES) {
    const hash = hex(await sha256(schemeBytes(scheme, org)));
    log.append({
      action: "scheme.publish", actor: { id: await sha256(utf8("chief")).then(hex), kind: "organisation_admin" }, asserted: "passkey", organisation: org.id,
      time: NOW - 400 * hour, attested: { hash, id: scheme.id, kind: "scheme", previous: null, version: 1 },
    });
  }
}

const organisationBytes = (org: MockOrganisation) => utf8(JSON.stringify({ v: 1, organisation: org.id, name: org.name, root_fingerprint: org.fingerprint }));

/** The organisation's attestation is the entry after the schemes'. */
async function organisationRow(org: MockOrganisation, log: Log) {
  const index = FIRST_SCHEME + SCHEMES.length;
  return { payload: base64url(organisationBytes(org)), index, evidence: await log.evidence(index) };
}

export async function enrol(log: Log, org: MockOrganisation): Promise<void> {
  const attested = { hash: hex(await sha256(organisationBytes(org))), id: org.id, kind: "organisation", previous: null, version: 1 };
  log.append({ action: "organisation.enrol", actor: { id: await sha256(utf8("admin")).then(hex), kind: "platform_admin" }, asserted: "passkey", time: NOW - 600 * hour, attested });
}

/** Dossiers in every state, whose timelines are in the log. */
export async function dossiers(log: Log, org: MockOrganisation) {
  const hash = async (text: string) => hex(await sha256(utf8(text)));
  const one = async (n: number, state: string, scheme: (typeof SCHEMES)[number], acts: [string, string, string, number, string?][]) => {
    const id = `${String(n).repeat(8)}-0000-4000-8000-00000000000${n}`;
    const timeline = [];
    const reasons: Record<string, string> = {
      accepted: "Votre dossier est complet et vos revenus ouvrent droit au montant plein : 400 €. Le virement part cette semaine.",
      more_information: "La facture jointe ne porte pas de date. Merci de demander un duplicata au vendeur.",
      refused: "L’achat est antérieur de plus de six mois à votre demande, délai que fixe la délibération du 3 mars.",
    };
    const files = await Promise.all([482_113, 5_120_400].map(async (size, i) => ({ fileId: hex(await fileIdOf(id)), envelopeHash: String(i + 1).repeat(64), size, parts: i === 0 ? 1 : 5 })));
    const manifest = manifestBytes({
      dossier: id, organisation: org.id, scheme: scheme.id, formHash: hex(await sha256(schemeBytes(scheme, org))), publicAnswers: {}, sealedAnswers: null,
      files, keyId: org.keyId, created: NOW - 70 * hour, words: [],
    });
    const manifestHash = hex(await sha256(manifest));
    const final = acts.find(([action]) => action === "decision");
    const decision = { v: 1, dossier: id, organisation: org.id, manifest_hash: manifestHash, decision: state, reason: reasons[state] ?? "", decided_by: id, role: final?.[1] ?? "", time: NOW - (final?.[3] ?? 0) * hour };
    for (const [action, role, asserted, ago, outcome = "granted"] of acts) {
      const attests = { "deposit.begin": "dossier", "deposit.complete": "manifest", decision: "decision" }[action];
      const staff = role !== "citizen";
      const draft: Draft = {
        action, actor: { id: staff ? await hash(role) : ACCOUNT, kind: role }, asserted, time: NOW - ago * hour, outcome, subjects: [{ id, kind: "dossier" }],
        ...(outcome === "refused" ? { code: "quota_exceeded" } : {}),
        ...(staff ? { organisation: org.id } : {}),
        ...(attests ? { attested: { hash: action === "deposit.complete" ? manifestHash : await hash(action === "decision" ? JSON.stringify(decision) : id + action), id, kind: attests, previous: null, version: 1 } } : {}),
      };
      const index = log.append(draft);
      timeline.push({ time: draft.time, action, actor_role: role, organisation_name: staff ? org.name : null, outcome, index });
    }
    const sent = acts.find(([action]) => action === "deposit.complete");
    const decided = final;
    return {
      id, state, scheme: scheme.id, title: scheme.title, organisation: org.id, organisation_name: org.name, created: NOW - 100 * hour,
      submitted: sent ? NOW - sent[3] * hour : null, decided: decided ? NOW - decided[3] * hour : null,
      files: sent ? files.map(({ fileId, size, parts }) => ({ file_id: fileId, size, parts })) : [],
      manifest: sent ? base64url(manifest) : null,
      manifest_asserted: sent ? (n === 2 ? "platform" : "passkey") : null,
      timeline,
      decision: decided ? { ...decision, index: timeline.at(-1)?.index ?? 0, payload: base64url(utf8(JSON.stringify(decision))) } : null,
    };
  };
  const [bike, fund, nursery] = SCHEMES as [(typeof SCHEMES)[number], (typeof SCHEMES)[number], (typeof SCHEMES)[number]];
  const sent: [string, string, string, number] = ["deposit.complete", "citizen", "passkey", 70];
  return [
    await one(1, "accepted", bike, [
      ["deposit.begin", "citizen", "platform", 71], sent, ["ticket.issue", "case_officer", "platform", 50], ["unwrap.intent", "case_officer", "organisation", 49.9, "intent"],
      ["unwrap.outcome", "case_officer", "organisation", 49.9], ["unwrap.outcome", "supervisor", "organisation", 30, "refused"], ["decision", "case_officer", "organisation", 4],
    ]),
    await one(2, "submitted", fund, [["deposit.begin", "citizen", "platform", 20], ["deposit.complete", "citizen", "platform", 19]]),
    await one(3, "more_information", bike, [sent, ["unwrap.outcome", "case_officer", "organisation", 40], ["decision", "case_officer", "organisation", 12]]),
    await one(4, "refused", nursery, [sent, ["decision", "supervisor", "organisation", 2]]),
    await one(5, "draft", nursery, [["deposit.begin", "citizen", "platform", 1]]),
  ];
}
