use reqwest::Response;
use sceau_crypto::SigningKey;
use sceau_element_api::ActId;
use sceau_element_api::documents::{
    ApplicationKey, ApplicationStatus, Does, KeyStanding, ProtectAct, ProviderKey, UserClaim, UserProvider,
};
use serde_json::{Value, json};

use super::{Stage, content, limits, rest_of, seconds};
use crate::caller::{key_of, sign};
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
        Self::of(until, Stage::create).await
    }

    /// Of what comes of this call.
    async fn of(until: Option<u64>, create: fn(&Stage) -> Value) -> Self {
        Self::at(Stage::begin(limits()).await, until, create).await
    }

    /// On this stage.
    async fn at(stage: Stage, until: Option<u64>, create: fn(&Stage) -> Value) -> Self {
        let sealed = stage.encrypted_by(create(&stage), &content(LENGTH)).await;
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
async fn a_revoked_reader_of_a_signed_content_gets_no_more() {
    let reading = Reading::of(None, Stage::create_signed).await;
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
async fn an_erased_datum_is_given_no_more() {
    let reading = Reading::begin(None).await;
    reading.stage.ask("alice", json!({"erase": {"datum": reading.datum}})).await;
    reading.stops().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datum_that_administrators_hold_is_given_no_more() {
    let reading = Reading::begin(None).await;
    let protected = &reading.stage.protected;
    let act = ProtectAct {
        v: 1,
        act: ActId::random(),
        organisation: protected.organisation.id,
        does: Does::Hold,
        data: vec![serde_json::from_value(reading.datum.clone()).unwrap()],
        reason: "Départ de l'équipe".into(),
        time: seconds() * 1000,
        by: protected.administrator.account.account,
        decision: None,
    };
    by_passkey(protected.client(), &protected.administrator, &act, None).await.unwrap();
    reading.stops().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_leave_the_reader_out_stop_a_body() {
    let reading = Reading::begin(None).await;
    let rules = json!({"networks": ["192.0.2.0/24"]});
    reading.stage.ask("alice", json!({"set_rules": {"datum": reading.datum, "rules": rules}})).await;
    reading.stops().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_time_is_over_is_given_no_more() {
    let reading = Reading::begin(None).await;
    // A year, as it has where nobody says otherwise, and a day.
    reading.stage.clock.advance(366 * 86_400_000);
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
    let mut reading = Reading::begin(None).await;
    reading.stage.changed(|document| document.status = ApplicationStatus::Inactive).await;
    reading.stops().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_ended_gets_no_more_and_another_one_changes_nothing() {
    let second = key_of("two", &SigningKey::generate());
    let mut reading = Reading::begin(None).await;
    reading.stage.changed(|document| document.keys.push(second.clone())).await;
    assert_eq!(reading.end().await, (LENGTH, true));

    let mut reading = Reading::begin(None).await;
    reading.stage.changed(|document| document.keys.push(second)).await;
    reading.stage.changed(|document| document.keys[0].status = KeyStanding::Ended).await;
    reading.stops().await;
}

/// A provider of identities.
struct Issuer(SigningKey);

const ISSUER: &str = "https://id.example.org";

impl Issuer {
    fn new() -> Self {
        Self(SigningKey::generate())
    }

    fn key(&self, kid: &str) -> ProviderKey {
        let ApplicationKey { alg, jwk, .. } = key_of(kid, &self.0);
        ProviderKey { kid: kid.into(), alg, jwk }
    }

    /// Whom an administrator names, with another key that nobody uses beside.
    fn document(&self) -> UserProvider {
        let (groups, groups_asserted, token_age, sign_in_age) = Default::default();
        UserProvider {
            issuer: ISSUER.into(),
            client_id: "dossiers".into(),
            keys: vec![Self::new().key("other"), self.key("1")],
            user: UserClaim::Sub,
            groups,
            groups_asserted,
            token_age,
            sign_in_age,
        }
    }

    fn token(&self, user: &str, kid: Option<&str>) -> String {
        let mut header = json!({"alg": "EdDSA"});
        if let Some(kid) = kid {
            header["kid"] = kid.into();
        }
        let now = seconds();
        let claims = json!({"iss": ISSUER, "aud": "dossiers", "sub": user, "iat": now, "exp": now + 300});
        sign(&self.0, &header, &claims)
    }
}

/// What an administrator makes of the provider while bob reads, who is proven by a token that names its key so; and whether he goes on.
async fn proven(kid: Option<&str>, change: impl FnOnce(&mut UserProvider), goes_on: bool) {
    let (issuer, kid) = (Issuer::new(), kid.map(str::to_owned));
    let mut stage = Stage::begin(limits()).await;
    stage.changed(|document| document.provider = Some(issuer.document())).await;
    stage.proven = Some(Box::new(move |user| issuer.token(user, kid.as_deref())));
    let mut reading = Reading::at(stage, None, Stage::create).await;
    reading.stage.clock.judged_again().await;
    reading.stage.changed(|document| change(document.provider.as_mut().unwrap())).await;
    if goes_on {
        assert_eq!(reading.end().await, (LENGTH, true));
    } else {
        reading.stops().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_whose_key_of_the_provider_goes_or_is_replaced_under_its_name_gets_no_more() {
    for kid in [Some("1"), None] {
        proven(kid, |provider| provider.keys.truncate(1), false).await;
        proven(kid, |provider| provider.keys[1] = Issuer::new().key("1"), false).await;
        let another = |provider: &mut UserProvider| {
            provider.keys[0] = Issuer::new().key("next");
            provider.token_age = Some(900);
        };
        proven(kid, another, true).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_whom_the_document_has_proven_otherwise_gets_no_more() {
    proven(Some("1"), |provider| provider.client_id = "another".into(), false).await;
    proven(Some("1"), |provider| provider.issuer = "https://id.example.net".into(), false).await;
    proven(Some("1"), |provider| provider.user = UserClaim::Email, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_whose_provider_is_taken_out_gets_no_more() {
    let issuer = Issuer::new();
    let mut stage = Stage::begin(limits()).await;
    stage.changed(|document| document.provider = Some(issuer.document())).await;
    stage.proven = Some(Box::new(move |user| issuer.token(user, Some("1"))));
    let mut reading = Reading::at(stage, None, Stage::create).await;
    reading.stage.clock.judged_again().await;
    reading.stage.changed(|document| document.provider = None).await;
    reading.stops().await;
}
