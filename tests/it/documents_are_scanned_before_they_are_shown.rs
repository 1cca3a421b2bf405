//! A sealed deposit is examined on the organisation's premises by a real ClamAV before its key leaves: what is clean opens, what is infected stays
//! closed until a supervisor says otherwise, and without an antivirus everything waits.

use sceau_client::{ClientError, Deposited, Document, Opened, Person, ReadingPage, Scheme, Server, Trust};
use sceau_element_api::{Base64Url, DossierId};
use sceau_store::judge::{BINARY_SIGNATURE, BINARY_SIGNATURE_NAME, ClamavJudge};
use sceau_tests::{Connected, House, Premises, Records, Staff, Stage, Steps, now_ms, publish_scheme};
use sceau_trace::sha256;
use serde_json::{Value, json};

struct World {
    house: House,
    clamd: ClamavJudge,
    premises: Premises,
    staff: Staff,
    citizen: Person,
    scheme: Scheme,
}

impl World {
    async fn set(name: &str, settings: &str) -> Self {
        let clamd = ClamavJudge::start(settings).expect("the antivirus starts");
        let house = House::start(name);
        let administrator = house.administrator().await;
        let (mut premises, staff) = Premises::found(&house, &administrator, "Métropole d’essai").await;
        let scheme = publish_scheme(&staff.chief).await;
        let citizen = house.citizen("cleo@example.org").await;
        let policy = format!("[scanner]\nantivirus = [\"{}\"]\n", clamd.address());
        premises.policy = Some(house.scratch.write("keymanager.toml", &policy));
        premises.start_key_manager(&house);
        Self { house, clamd, premises, staff, citizen, scheme }
    }

    async fn deposit(&self, content: &[u8]) -> Deposited {
        let document = Document {
            name: "pièce.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            content: content.to_vec(),
        };
        let answers = Stage::answers();
        let deposited =
            self.citizen.deposit(&self.scheme, &answers, &[document], now_ms(), &mut |_| {}).await;
        deposited.expect("a whole deposit is taken")
    }

    async fn page(&self, who: &Person, trust: &Trust, dossier: DossierId) -> ReadingPage {
        let link = who.ticket(dossier).await.expect("staff may open it");
        let page = ReadingPage::open(&link, &self.house.origin, trust, self.citizen.log_key()).await;
        page.expect("the dossier is the one that was sent")
    }

    async fn officer_reads(&self, dossier: DossierId) -> Result<Opened, ClientError> {
        self.page(&self.staff.officer, &self.premises.officer_trust(), dossier).await.read().await
    }

    /// What the key manager says of its antivirus.
    async fn check(&self) -> String {
        let check: Value = self.premises.administration().get("/check").await.expect("it is well");
        check["checks"]["scanner"].as_str().expect("a word").to_owned()
    }

    /// Asks for an exception, as whoever shows this certificate.
    async fn except(
        &self,
        trust: &Trust,
        deposited: &Deposited,
        account: &str,
    ) -> Result<Value, ClientError> {
        let session = Server::new(&self.house.origin, &Trust::default()).expect("a good address");
        let link = self.staff.officer.ticket(deposited.dossier).await.expect("staff may open it");
        let ticket = link.rsplit_once("ticket=").expect("a ticket").1;
        let token: Value = session.post("/v1/tickets/exchange", &json!({"ticket": ticket})).await?;
        session.set_bearer(token["token"].as_str().map(str::to_owned));
        let bundle: Value = session.get(&format!("/v1/reading/{}/bundle", deposited.dossier)).await?;
        let manifest =
            Base64Url::decode(bundle["manifest"].as_str().expect("a manifest")).expect("base64url");
        let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
        let body = json!({
            "dossier": deposited.dossier, "manifest": bundle["manifest"], "scheme": bundle["scheme"],
            "manifest_evidence": bundle["manifest_evidence"], "file_id": manifest["files"][0]["file_id"],
            "account": account, "reason": "Vérifié par la sécurité.", "hours": 1,
        });
        let key_manager = Server::new(&self.premises.address(), trust)?;
        key_manager.post("/v1/exceptions", &body).await
    }

    /// Actions and outcomes on the depositor's timeline, until this one is there: records are delivered behind what was asked for.
    async fn timeline_until(&self, dossier: DossierId, action: &str) -> Vec<String> {
        loop {
            let path = format!("/v1/dossiers/{dossier}");
            let view: Value = self.citizen.server().get(&path).await.expect("the depositor may look");
            let lines = view["timeline"].as_array().expect("a list");
            let said = |line: &Value| {
                format!("{} {}", line["action"].as_str().unwrap(), line["outcome"].as_str().unwrap())
            };
            let said: Vec<String> = lines.iter().map(said).collect();
            if said.iter().any(|line| line == action) {
                return said;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// Its code, and what it says of this occurrence.
fn refusal<T>(answer: Result<T, ClientError>) -> (String, String) {
    match answer {
        Err(ClientError::Refused { code, detail, .. }) => (code, detail),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was not refused"),
    }
}

fn infected() -> Vec<u8> {
    // In the second part of two: whole, and not by its beginning, is a document judged.
    let mut content = b"%PDF-1.7 and then a great deal".to_vec();
    content.resize(1_300_000, b' ');
    content.extend(BINARY_SIGNATURE);
    content
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_clean_opens_and_what_is_infected_needs_a_supervisor_and_a_reason() {
    let world = World::set("scanned-before-shown", "").await;
    let clean = world.deposit(b"%PDF-1.7 nothing in it").await;
    let opened = world.officer_reads(clean.dossier).await.expect("it is clean");
    assert_eq!(opened.files[0].content, b"%PDF-1.7 nothing in it");
    let timeline = world.timeline_until(clean.dossier, "unwrap.outcome granted").await;
    let at = |what: &str| timeline.iter().position(|line| line == what).expect(what);
    assert!(at("scan.intent intent") < at("scan.outcome granted"), "{timeline:?}");
    assert!(at("scan.outcome granted") < at("unwrap.intent intent"), "{timeline:?}");

    let bad = world.deposit(&infected()).await;
    let (code, detail) = refusal(world.officer_reads(bad.dossier).await);
    assert_eq!((code.as_str(), detail.as_str()), ("document_infected", BINARY_SIGNATURE_NAME));
    let timeline = world.timeline_until(bad.dossier, "unwrap.outcome refused").await;
    assert!(!timeline.iter().any(|line| line == "unwrap.intent intent"), "{timeline:?}");

    // Neither the officer, nor the supervisor for himself.
    let supervisor = world.premises.employ_supervisor(&world.house, &world.staff.chief).await;
    let (officer_trust, trust) = (world.premises.officer_trust(), world.premises.supervisor_trust());
    let officer = world.staff.officer.account.clone();
    let own = refusal(world.except(&officer_trust, &bad, &supervisor.account).await);
    assert_eq!(own.0, "supervisor_needed");
    let own = refusal(world.except(&trust, &bad, &supervisor.account).await);
    assert_eq!(own.0, "exception_for_oneself");
    assert_eq!(refusal(world.except(&trust, &clean, &officer).await).0, "document_not_infected");

    let exception = world.except(&trust, &bad, &officer).await.expect("a supervisor may");
    assert_eq!(exception["signature"], BINARY_SIGNATURE_NAME);
    let opened = world.officer_reads(bad.dossier).await.expect("the officer may now");
    assert!(opened.files[0].content == infected());
    let other = world.page(&supervisor, &trust, bad.dossier).await.read().await;
    assert_eq!(refusal(other).0, "document_infected", "it is the officer's alone");
    let timeline = world.timeline_until(bad.dossier, "unwrap.outcome granted").await;
    let at = |what: &str| timeline.iter().position(|line| line == what).expect(what);
    assert!(at("exception.intent intent") < at("exception.outcome granted"), "{timeline:?}");

    let kept: Value =
        world.premises.administration().get("/v1/exceptions").await.expect("for administrators");
    assert_eq!(kept[0]["reason"], "Vérifié par la sécurité.");
}

/// Sealed, nobody looked at it on its way. What the antivirus could not look into is not called clean.
#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_and_an_encrypted_pdf_stay_closed() {
    let world = World::set("scanned-hostile", "MaxScanSize 8M\nMaxFileSize 8M").await;
    let encrypted = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n\
        5 0 obj\n<< /Filter /Standard /V 2 /R 3 /Length 128 /P -44 /O <414141414141414141414141414141414141414141414141414141414141414141> \
        /U <424242424242424242424242424242424242424242424242424242424242424242> >>\nendobj\n\
        7 0 obj\n<< /Length 5 >>\nstream\nabcde\nendstream\nendobj\n\
        trailer << /Root 1 0 R /Encrypt 5 0 R /ID [<00><00>] >>\nstartxref\n0\n%%EOF\n";
    let bomb = crate::the_intake_stands_up_to_hostile_documents::bomb();
    for (content, found) in
        [(encrypted.as_slice(), "Heuristics.Encrypted.PDF"), (bomb.as_slice(), "Heuristics.Limits.Exceeded")]
    {
        let deposited = world.deposit(content).await;
        let (code, detail) = refusal(world.officer_reads(deposited.dossier).await);
        assert_eq!(code, "document_infected");
        assert!(detail.starts_with(found), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_antivirus_documents_wait_and_too_large_ones_are_not_passed() {
    let mut world = World::set("scanner-away", "StreamMaxLength 1M").await;
    let deposited = world.deposit(b"%PDF-1.7 patience").await;
    assert_eq!(world.check().await, "pass");
    world.clamd.fall();
    assert_eq!(world.check().await, "warn");
    let (code, _) = refusal(world.officer_reads(deposited.dossier).await);
    assert_eq!(code, "scanner_unavailable");
    let timeline = world.timeline_until(deposited.dossier, "unwrap.outcome refused").await;
    assert!(!timeline.iter().any(|line| line.starts_with("scan.")), "no key was used: {timeline:?}");
    world.clamd.go_on().expect("the antivirus starts again");
    let opened = world.officer_reads(deposited.dossier).await.expect("it is examined now");
    assert_eq!(opened.files[0].content, b"%PDF-1.7 patience");

    let large = world.deposit(&[7; 2_500_000]).await;
    assert_eq!(refusal(world.officer_reads(large.dossier).await).0, "scanner_too_large");
}

/// An organisation whose key manager scans and whose connector does not.
async fn connected(name: &str) -> (ClamavJudge, House, Connected, Person) {
    let clamd = ClamavJudge::start("").expect("the antivirus starts");
    let house = House::start(name);
    let administrator = house.administrator().await;
    let mut lyon = Connected::found(&house, &administrator, "Métropole").await;
    let policy = format!("[scanner]\nantivirus = [\"{}\"]\n", clamd.address());
    lyon.premises.policy = Some(house.scratch.write("keymanager.toml", &policy));
    drop(lyon.premises.key_manager.take());
    lyon.premises.start_key_manager(&house);
    let citizen = house.citizen("cleo@example.org").await;
    (clamd, house, lyon, citizen)
}

/// The key manager examines with the connector's session: where that ended before, another is begun, and nothing is put aside for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_connector_whose_session_ended_before_a_document_is_examined_begins_another() {
    let (_clamd, house, lyon, citizen) = Box::pin(connected("scanned-session-over")).await;
    let sent = lyon.deposit(&citizen, b"%PDF-1.7 nothing in it").await;
    let name = format!("{}.{}", sent.dossier, &sha256(&sent.manifest).to_string()[..12]);
    let document = lyon.output.join(".incoming").join(name).join("documents/pièce.pdf");
    // Between the document and the sealed answers, which are not examined yet.
    let steps = Steps::default();
    let mut hold = steps.hold(move || document.exists());
    let program = Connected::program(&house, &[&lyon]);
    let mut connector = program.start_stepped(&house.scratch.join("logs"), &steps);
    hold.reached().await;
    Records::open(&house).await.edit("UPDATE tickets SET session_expires = 0", &[]).await;
    hold.release();
    connector.wait_for(&format!("\"dossier\":\"{}\",\"event\":\"handed_over\"", sent.dossier));
    assert!(!connector.log().contains("reading_expired"), "{}", connector.log());
    // What the key manager met, and the second session, are on record.
    loop {
        let trace = sceau_tests::opened_trace(&house).await;
        let of = |action: &str, code: &str| {
            trace.iter().filter(|it| it.action().as_str() == action && it.code() == code).count()
        };
        if of("scan.outcome", "reading_expired") == 1 && of("scan.outcome", "") == 2 {
            assert_eq!(of("ticket.issue", ""), 2);
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_is_handed_what_is_clean_and_puts_aside_what_is_not() {
    let (_clamd, house, lyon, citizen) = Box::pin(connected("scanned-for-a-connector")).await;
    let bad = lyon.deposit(&citizen, &infected()).await;
    let clean = lyon.deposit(&citizen, b"%PDF-1.7 nothing in it").await;
    // It has no antivirus of its own: what it is handed was examined before its key left.
    let mut connector = Connected::program(&house, &[&lyon]).start(house.scratch.path());
    let said = connector.wait_for("\"event\":\"aside\"");
    assert!(said.contains("document_infected") && said.contains(&bad.dossier.to_string()), "{said}");
    connector.wait_for(&format!("\"dossier\":\"{}\",\"event\":\"handed_over\"", clean.dossier));
    let folders = lyon.folders();
    let [folder] = folders.as_slice() else { panic!("one folder, not {folders:?}") };
    let path = Connected::said(folder, "manifest.json")["files"][0]["path"].as_str().unwrap().to_owned();
    assert_eq!(std::fs::read(folder.join(path)).unwrap(), b"%PDF-1.7 nothing in it");
    assert_eq!(
        std::fs::read_dir(lyon.output.join(".incoming")).unwrap().count(),
        0,
        "nothing of the other is kept"
    );
    let trace = sceau_tests::opened_trace(&house).await;
    let of = |action: &str| {
        trace.iter().filter(|it| it.action().as_str() == action && it.actor().id == "paie").count()
    };
    assert!(of("scan.outcome") >= 2, "in the connector's name");
}
