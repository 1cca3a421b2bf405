use reqwest::Response;
use sceau_element_api::documents::ApplicationStatus;
use serde_json::{Value, json};

use super::{Stage, content, limits, rest_of, seconds};
use crate::house::by_passkey;

/// More than lies in the buffers between.
const LENGTH: usize = 48 << 20;

/// A datum of alice's, and an answer to bob, who reads its first octets and then no more.
struct Reading {
    stage: Stage,
    datum: Value,
    answer: Response,
    came: usize,
}

impl Reading {
    async fn begin(until: Option<u64>) -> Self {
        let stage = Stage::begin(limits()).await;
        let sealed = stage.encrypted(&content(LENGTH)).await;
        let open = stage.open(&sealed);
        let datum = open["open"]["datum"].clone();
        let mut grant = json!({"to": {"user": "bob"}});
        if let Some(until) = until {
            grant["until"] = until.into();
        }
        stage.ask("alice", json!({"grant": {"datum": datum, "grant": grant}})).await;
        let mut answer = stage.post("decrypt", &stage.call("bob", open, None), sealed).await;
        assert!(answer.status().is_success());
        let came = answer.chunk().await.unwrap().unwrap().len();
        Self { stage, datum, answer, came }
    }

    /// All octets that bob gets, and whether as a whole.
    async fn end(self) -> (usize, bool) {
        self.stage.clock.judged_again().await;
        let (rest, ended) = rest_of(self.answer).await;
        (self.came + rest.len(), ended)
    }

    async fn stops(self) {
        let (came, ended) = self.end().await;
        assert!(!ended && came < LENGTH, "{came}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_slowly_gets_all_of_it() {
    let reading = Reading::begin(None).await;
    reading
        .stage
        .ask("alice", json!({"grant": {"datum": reading.datum, "grant": {"to": {"user": "carol"}}}}))
        .await;
    assert_eq!(reading.end().await, (LENGTH, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_reader_gets_no_more() {
    let reading = Reading::begin(None).await;
    reading.stage.ask("alice", json!({"revoke": {"datum": reading.datum, "to": {"user": "bob"}}})).await;
    reading.stops().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deactivated_datum_is_given_no_more() {
    let reading = Reading::begin(None).await;
    reading.stage.ask("alice", json!({"deactivate": {"datum": reading.datum}})).await;
    reading.stops().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorisation_that_runs_out_stops_too() {
    let reading = Reading::begin(Some(seconds() + 3600)).await;
    reading.stage.clock.advance(3_601_000);
    reading.stops().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_out_of_use_gets_no_more() {
    let reading = Reading::begin(None).await;
    let protected = &reading.stage.protected;
    let mut document = protected.application.document.clone();
    let kind = sceau_element_api::Kind::Application;
    let current = protected.client().current(kind, document.application).await.unwrap().unwrap();
    document.status = ApplicationStatus::Inactive;
    by_passkey(protected.client(), &protected.administrator, &document, Some(current.version()))
        .await
        .unwrap();
    reading.stops().await;
}
