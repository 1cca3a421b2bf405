//! A citizen's page that sends its documents to the intake: where the intake forgot the deposit, or somebody is away, it begins there again.

use std::net::{Ipv4Addr, SocketAddr};

use sceau_client::ClientError;
use sceau_element_api::documents::{Document as _, Manifest, SchemeDocument, SealedFile};
use sceau_tests::{Draft, Scanned, Sealed};
use serde_json::{Value, json};

/// What the intake and its neighbours say when one of them is away, or forgot.
const PASSING: [&str; 6] =
    ["unknown_deposit", "platform_away", "antivirus_away", "upload_cut", "intake_busy", "not_waiting"];

/// Where the page finds the intake.
pub(super) struct Page {
    http: reqwest::Client,
    url: String,
}

/// Why a visit came to nothing, and whether the next one may go well.
#[derive(Debug)]
pub(super) struct Stumble {
    passing: bool,
    words: String,
}

impl Stumble {
    pub(super) fn is_passing(&self) -> bool {
        self.passing
    }
}

impl std::fmt::Display for Stumble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words)
    }
}

impl From<ClientError> for Stumble {
    fn from(error: ClientError) -> Self {
        Self { passing: error.is_passing(), words: error.to_string() }
    }
}

impl From<reqwest::Error> for Stumble {
    fn from(error: reqwest::Error) -> Self {
        Self { passing: true, words: error.to_string() }
    }
}

impl Page {
    pub(super) fn at(scanned: &Scanned) -> Self {
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let http = reqwest::Client::builder().resolve("depot.localhost", here).no_proxy().build().unwrap();
        Self { http, url: scanned.url.clone() }
    }

    /// Sends a PDF and the answers through the intake: the manifest of what was found clean.
    pub(super) async fn visit(
        &self,
        draft: &Draft<'_>,
        form: &[u8],
        content: &[u8],
    ) -> Result<Manifest, Stumble> {
        let grant: Value =
            draft.citizen.server().post(&format!("{}/intake", draft.path()), &json!({})).await?;
        let form = SchemeDocument::parse(form).unwrap();
        let meant = json!({
            "dossier": draft.id, "organisation": form.document.organisation, "scheme": form.document.scheme,
            "form_hash": form.hash, "key_id": draft.key.key_id(),
        });
        let answers = json!({"price": 3200, "income": 18_500});
        let begin = json!({"grant": grant["grant"], "meant": meant, "answers": answers});
        let held = said(self.http.post(format!("{}/v1/deposits", self.url)).json(&begin)).await?;
        let path = format!("{}/v1/deposits/{}", self.url, held["id"].as_str().unwrap());
        let token = held["token"].as_str().unwrap();
        let file = json!({"name": "pièce.pdf", "media_type": "application/pdf", "size": content.len()});
        let announced = self.http.post(format!("{path}/files")).bearer_auth(token).json(&file);
        let place = said(announced).await?["place"].clone();
        said(self.http.put(format!("{path}/files/{place}")).bearer_auth(token).body(content.to_vec()))
            .await?;
        let finished = said(self.http.post(format!("{path}/finish")).bearer_auth(token)).await?;
        let files: Vec<SealedFile> = serde_json::from_value(finished["files"].clone()).unwrap();
        let [document, answers]: [Sealed; 2] = files
            .into_iter()
            .map(|named| Sealed { header: Vec::new(), parts: Vec::new(), named })
            .collect::<Vec<_>>()
            .try_into()
            .unwrap();
        Ok(Manifest { words: sceau_tests::words(&finished), ..draft.manifest(&document, &answers) })
    }
}

/// JSON of a success.
async fn said(request: reqwest::RequestBuilder) -> Result<Value, Stumble> {
    let answer = request.send().await?;
    let good = answer.status().is_success();
    let said: Value = answer.json().await?;
    let passing = said["code"].as_str().is_some_and(|code| PASSING.contains(&code));
    if good { Ok(said) } else { Err(Stumble { passing, words: said.to_string() }) }
}
