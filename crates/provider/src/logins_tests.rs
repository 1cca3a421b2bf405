#![allow(clippy::unwrap_used, reason = "tests state what must hold")]
use std::net::Ipv6Addr;

use sceau_accounts::TrustedProxies;
use sceau_store::ManualClock;
use tokio::sync::mpsc;

use super::*;
use crate::asking::{Answer, Ask, AskError, Holders, Later};
use crate::keys::{ProviderSecret, TokenKeys};
use crate::oauth::{Authenticates, Client, ClientId, Clients, GrantKind, Params};
use crate::provider::{Fonts, Plan, Provider};
use crate::records::Records;

const NOW: u64 = 1_800_000_000_000;

/// Holders who do not answer; who was asked is told.
#[derive(Debug)]
struct Quiet(mpsc::UnboundedSender<KeyringId>);

impl Holders for Quiet {
    fn ask(&self, ask: Ask) -> Later<'_, Result<Answer, AskError>> {
        self.0.send(ask.keyring).unwrap();
        Box::pin(std::future::pending())
    }

    fn is_there(&self) -> Later<'_, bool> {
        Box::pin(async { true })
    }
}

async fn provider(folder: &std::path::Path, holders: Quiet) -> Provider {
    let client = Client {
        id: ClientId::parse("library").unwrap(),
        name: "Library".to_owned(),
        redirect_uris: vec!["https://library.example.org/callback".to_owned()],
        authenticates: Authenticates::Nobody,
        scopes: ["openid".to_owned()].into(),
        grants: [GrantKind::Code].into(),
        pushed_only: false,
        sector: String::new(),
    };
    let plan = Plan {
        issuer: "https://login.example.org".to_owned(),
        name: "Lyon".to_owned(),
        lang: Lang::En,
        clients: Clients::new([client]).unwrap(),
        login_seconds: 180,
        token_seconds: 600,
        acr: "urn:sceau:keyring".to_owned(),
        evidence_days: 30,
        logins_per_address: 30,
        proxies: TrustedProxies::default(),
        fonts: Fonts::default(),
    };
    let own =
        (TokenKeys::open(folder, 90 * 24 * 3_600_000, NOW).unwrap(), ProviderSecret::open(folder).unwrap());
    let records = Records::open(folder).await.unwrap();
    Provider::new(plan, own, records, Arc::new(holders), Arc::new(ManualClock::at(NOW)))
}

#[tokio::test]
async fn strangers_leave_places_and_nobody_is_asked_for_a_login_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let (asked, mut told) = mpsc::unbounded_channel();
    let provider = provider(folder.path(), Quiet(asked)).await;
    let query = format!(
        "client_id=library&redirect_uri=https://library.example.org/callback&response_type=code&scope=openid&code_challenge={}&code_challenge_method=S256",
        "c".repeat(43)
    );
    let (_, request) = provider.server.asked(Params::parse(&query).unwrap(), NOW).unwrap();
    let request = request.unwrap();
    let begins = |whom: Whom, asks| {
        let (request, browser) = (request.clone(), [0; 32]);
        let (lang, remember, expected) = (Lang::En, false, None);
        provider.login_began(Beginning { request, browser, whom, asks, lang, remember, expected }).is_some()
    };
    let stranger = |network: usize| {
        let network = u128::try_from(network).unwrap() << 64;
        Asks::stranger(Ipv6Addr::from_bits(network).into())
    };
    for number in 0..OF_ONE_KIND {
        let nobody = Whom { hint: format!("somebody{number}"), keyring: None };
        assert!(begins(nobody, stranger(number)), "{number}");
    }
    let marie = Whom { hint: "m.curie".to_owned(), keyring: Some(KeyringId::random()) };
    assert!(!begins(marie.clone(), stranger(OF_ONE_KIND)));
    assert!(begins(marie.clone(), Asks::remembered()));
    assert_eq!(told.recv().await, marie.keyring);
    assert!(told.try_recv().is_err(), "once");
}
