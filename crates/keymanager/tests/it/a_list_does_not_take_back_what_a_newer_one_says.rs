//! Revocation lists in the key manager's files: each stays in force until a newer one of its kind takes its place.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use sceau_keymanager::Settings;
use sceau_pki::{
    Authority, AuthorityProfile, CertificateRole, ClientProfile, Issued, Publication, RevocationReason,
    Revoked,
};
use sceau_store::Clock as _;

use crate::support::{Browser, DAY, START, World};

const HOUR: u64 = 3_600_000;

/// A root, an authority below it, and the key manager that trusts the root alone.
struct Stage {
    folder: tempfile::TempDir,
    root: Authority,
    below: Authority,
    world: World,
}

impl Stage {
    async fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let profile = AuthorityProfile { path_length: 1, ..AuthorityProfile::of("Racine") };
        let root = Authority::create(&profile, START - DAY).unwrap();
        let below = AuthorityProfile::of("Entre deux");
        let below = root.issue_authority(&below, &Publication::default(), START - DAY).unwrap();
        let [root_path, below_path, root_list, below_list] =
            ["root.pem", "below.pem", "root.crl", "below.crl"].map(|name| folder.path().join(name));
        std::fs::write(&root_path, root.certificate().to_pem()).unwrap();
        std::fs::write(&below_path, below.certificate().to_pem()).unwrap();
        std::fs::write(&root_list, root.revocation_list(&[], 1, 90, START - DAY).unwrap()).unwrap();
        std::fs::write(&below_list, below.revocation_list(&[], 2, 30, START - HOUR).unwrap()).unwrap();
        let settings = Settings {
            anchors: vec![root_path],
            client_intermediates: vec![below_path],
            client_crls: vec![root_list, below_list],
            ..Settings::default()
        };
        let world = World::with(settings).await;
        Self { folder, root, below, world }
    }

    fn person(&self) -> Issued {
        let profile = ClientProfile::new("Anaïs Le Goff", CertificateRole::Administrator);
        self.below.issue_client(&profile, START - HOUR).unwrap()
    }

    /// Who shows this certificate, with the authority that issued it or without.
    fn browser(&self, issued: &Issued, alone: bool) -> Browser {
        let shown = if alone { issued.certificate().to_pem() } else { issued.chain_pem() };
        let pem = format!("{shown}{}", *issued.key().to_pem());
        let port = self.world.origin().rsplit_once(':').unwrap().1.parse().unwrap();
        let authority = self.world.manager.authority_pem();
        Browser::new(&self.world.origin(), port, &authority, Some(&pem), Arc::clone(&self.world.clock))
    }

    /// Puts a list into the place of the lower authority's.
    fn offer(&self, bytes: &[u8]) {
        replace(&self.folder.path().join("below.crl"), bytes);
    }
}

fn replace(path: &Path, bytes: &[u8]) {
    let next = path.with_extension("next");
    std::fs::write(&next, bytes).unwrap();
    std::fs::rename(next, path).unwrap();
}

fn taken_back(issued: &Issued) -> Revoked {
    let serial = hex::decode(issued.certificate().serial()).unwrap();
    Revoked { serial, at: START - HOUR, reason: RevocationReason::KeyCompromise }
}

fn pem(list: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(list);
    format!("-----BEGIN X509 CRL-----\n{text}\n-----END X509 CRL-----\n")
}

/// Passed, or the code of the refusal.
async fn asked(browser: &Browser) -> String {
    let answer = browser.get("/v1/status").await;
    if answer.status == 200 { "passed".to_owned() } else { answer.code() }
}

#[tokio::test]
async fn older_foreign_and_future_lists_change_nothing() {
    let stage = Stage::set().await;
    let (person, other) = (stage.person(), stage.person());
    let (browser, alone, other_browser) =
        (stage.browser(&person, false), stage.browser(&person, true), stage.browser(&other, false));
    assert_eq!(asked(&browser).await, "passed");
    assert_eq!(asked(&alone).await, "passed", "the intermediate is known: nobody need send it");
    let old = stage.below.revocation_list(&[], 2, 30, START - HOUR).unwrap();

    // A stranger of the same name, and an authority of another one: the list in use stays.
    let double = AuthorityProfile::of("Entre deux");
    let double = Authority::create(&double, START - DAY).unwrap();
    let stranger = Authority::create(&AuthorityProfile::of("Nobody"), START - DAY).unwrap();
    for foreign in [&double, &stranger] {
        stage.offer(&foreign.revocation_list(&[taken_back(&person)], 9, 30, START - HOUR).unwrap());
        assert_eq!(asked(&browser).await, "passed", "{}", foreign.certificate().subject());
    }
    // What cannot be read, and what is not there.
    stage.offer(b"no list");
    assert_eq!(asked(&browser).await, "passed");
    std::fs::remove_file(stage.folder.path().join("below.crl")).unwrap();
    assert_eq!(asked(&browser).await, "passed");

    // One that lies in the future, although it takes the person back.
    let future = stage.world.clock.now_ms() + HOUR;
    stage.offer(&stage.below.revocation_list(&[taken_back(&person)], 9, 30, future).unwrap());
    assert_eq!(asked(&browser).await, "passed");

    // One that counts, which no older one takes back: lower in number, or in time.
    stage.offer(&stage.below.revocation_list(&[taken_back(&person)], 3, 20, START - HOUR / 2).unwrap());
    assert_eq!(asked(&browser).await, "certificate_revoked");
    assert_eq!(asked(&other_browser).await, "passed");
    let earlier = stage.below.revocation_list(&[], 4, 30, START - HOUR).unwrap();
    for older in [&old, &earlier] {
        stage.offer(older);
        assert_eq!(asked(&browser).await, "certificate_revoked");
        assert_eq!(asked(&other_browser).await, "passed");
    }

    // The one in use ends, and the older one that lies there, and has not ended, is no help.
    stage.world.clock.advance(25 * DAY);
    assert_eq!(asked(&browser).await, "certificate_revoked");
    assert_eq!(asked(&other_browser).await, "certificate_revocation_unknown");
    let now = stage.world.clock.now_ms();
    stage.offer(&stage.below.revocation_list(&[], 5, 30, now).unwrap());
    assert_eq!(asked(&browser).await, "passed", "a newer one may");
}

#[tokio::test]
async fn a_list_that_is_refused_holds_no_other_of_its_file_back() {
    let stage = Stage::set().await;
    let person = stage.person();
    let browser = stage.browser(&person, false);
    assert_eq!(asked(&browser).await, "passed");
    let now = stage.world.clock.now_ms();
    let stranger = Authority::create(&AuthorityProfile::of("Nobody"), START - DAY).unwrap();
    let refused = [
        ("older", stage.root.revocation_list(&[], 0, 90, START - 2 * DAY).unwrap()),
        ("future", stage.root.revocation_list(&[], 9, 90, now + HOUR).unwrap()),
        ("foreign", stranger.revocation_list(&[], 9, 90, START - HOUR).unwrap()),
    ];
    let mut number = 2;
    for (what, refused) in &refused {
        for before in [true, false] {
            for (people, said) in [(vec![taken_back(&person)], "certificate_revoked"), (vec![], "passed")] {
                number += 1;
                let new = stage.below.revocation_list(&people, number, 30, START - HOUR + number).unwrap();
                let [first, second] = if before { [refused, &new] } else { [&new, refused] };
                stage.offer(format!("{}{}", pem(first), pem(second)).as_bytes());
                assert_eq!(asked(&browser).await, said, "{what}, before: {before}");
            }
        }
    }
}

#[tokio::test]
async fn a_key_manager_whose_lists_nobody_signed_does_not_start() {
    let stage = Stage::set().await;
    let folder = stage.folder.path().to_owned();
    let now = stage.world.clock.now_ms();
    let [root, below] = ["root.pem", "below.pem"].map(|name| folder.join(name));
    let lists = vec![folder.join("root.crl"), folder.join("below.crl")];
    let trusting = |intermediates: Vec<_>| Settings {
        anchors: vec![root.clone()],
        client_intermediates: intermediates,
        client_crls: lists.clone(),
        ..Settings::default()
    };
    let stopped = stage.world.stop();
    let refused = |settings: Settings| {
        let stopped = &stopped;
        async move { stopped.open(settings).await.map(drop).unwrap_err() }
    };
    let error = refused(trusting(Vec::new())).await;
    assert_eq!(error.code(), "list_unknown_issuer");
    assert!(
        error.to_string().contains("below.crl: its issuer is none of the anchors and intermediates"),
        "{error}"
    );
    replace(&folder.join("root.crl"), &stage.root.revocation_list(&[], 2, 30, now + HOUR).unwrap());
    assert_eq!(refused(trusting(vec![below.clone()])).await.code(), "list_future");
    replace(&folder.join("root.crl"), b"no list");
    let unreadable = refused(trusting(vec![below.clone()])).await;
    assert!(unreadable.to_string().contains("root.crl"), "{unreadable}");
    let nowhere = refused(trusting(vec![folder.join("none.pem")])).await;
    assert!(nowhere.to_string().contains("none.pem"), "{nowhere}");
}
