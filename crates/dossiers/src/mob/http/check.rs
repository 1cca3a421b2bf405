//! What this host is, and what it gives up: for whoever asks, before they trust it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::MobHost;

/// The weaknesses that are the protocol's own (docs/mob-2022.md).
pub(super) const GIVES_UP: [(&str, &str); 3] = [
    (
        "integrity",
        "Le contenu n’est pas authentifié, et une clé avec un vecteur sert à tous les fichiers d’une demande : seuls les lecteurs qui exigent notre \
         manifeste signé remarquent une altération. / Content is not authenticated, and one key with one vector serves all files of a \
         subscription: only readers that demand our signed manifest notice an alteration.",
    ),
    (
        "plaintext",
        "Ce service voit les documents en clair pendant qu’il les analyse et les scelle, et la page du gestionnaire reçoit la clé privée. / This host \
         sees documents in clear while it scans and seals them, and the case officer’s page receives the private key.",
    ),
    (
        "preflight",
        "Le navigateur n’envoie pas de certificat avec ses requêtes préliminaires : le gestionnaire de clés doit y répondre sans. / Browsers send no \
         certificate with preflights: the key manager must answer those without one.",
    ),
];

/// `GET /check`: however many ask, what it stands on is asked once a second.
pub(super) async fn check(State(host): State<MobHost>) -> (StatusCode, Json<Value>) {
    let word = |well| if well { "pass" } else { "fail" };
    let Standing { antivirus, element, database } = host.0.glance.of(|| host.now(), || look(&host)).await;
    let well = antivirus && element && database;
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let gives_up: Value =
        GIVES_UP.iter().map(|(what, words)| json!({"what": what, "words": words})).collect();
    let checks = json!({"antivirus": word(antivirus), "element": word(element), "database": word(database)});
    (
        status,
        Json(
            json!({"status": word(well), "role": "mob", "checks": checks, "profile": "mob-2022", "gives_up": gives_up}),
        ),
    )
}

/// What of it answers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    antivirus: bool,
    element: bool,
    database: bool,
}

async fn look(host: &MobHost) -> Standing {
    Standing {
        antivirus: host.settings().antivirus.ready().await.is_ok(),
        element: host.dossiers().element().hello().await.is_ok(),
        database: host.database().fetch_one(crate::statements::ANSWER, &[]).await.is_ok(),
    }
}

/// `GET /v1/subscriptions/timestamps`: none are kept, so none are claimed.
pub(super) async fn timestamps() -> super::refusal::Refusal {
    super::refusal::Code::NoTimestamps.into()
}
