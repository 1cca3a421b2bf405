//! From enrolment to decision over the public API alone: the organisation's software holds its keys, and every step leaves a proof.

use std::collections::BTreeMap;

use sceau_client::Document;
use sceau_crypto::envelope::UnverifiedHeader;
use sceau_crypto::{Typ, jws};
use sceau_element_api::documents::{AnswerValue, Decision, DecisionRole, Document as _, Manifest, Outcome};
use sceau_tests::{House, now_ms, publish_scheme};
use sceau_trace::Asserted;
use serde_json::{Value, json};

#[tokio::test]
async fn from_enrolment_to_decision() {
    let house = House::start("own-software");
    let administrator = house.administrator().await;
    let organisation = house.organisation(&administrator, "Métropole d’essai").await;
    let (chief, officer) = house.staff(&administrator, organisation.enrolled.organisation).await;
    let scheme = publish_scheme(&chief).await;

    let citizen = house.citizen("cleo@example.org").await;
    let answers = BTreeMap::from([
        ("price".to_owned(), AnswerValue::Number(3200.into())),
        ("income".to_owned(), AnswerValue::Number(18500.into())),
    ]);
    let content: Vec<u8> = (0..2_500_000_u32).map(|i| (i % 251) as u8).collect();
    let document = Document {
        name: "pièce.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        content: content.clone(),
    };
    let deposited = citizen.deposit(&scheme, &answers, &[document], now_ms(), &mut |_| {}).await.unwrap();
    assert_eq!(deposited.receipt.asserted(), Asserted::Passkey);

    let in_use = organisation.machine.keys_in_use().await.unwrap();
    assert_eq!(in_use[0].dossier, deposited.dossier.to_string());

    let link = officer.ticket(deposited.dossier).await.unwrap();
    let ticket = link.rsplit_once("ticket=").unwrap().1;
    let page = sceau_client::Server::new(&house.origin, &sceau_client::Trust::default()).unwrap();
    let token: Value = page.post("/v1/tickets/exchange", &json!({"ticket": ticket})).await.unwrap();
    let again = page.post::<_, Value>("/v1/tickets/exchange", &json!({"ticket": ticket})).await.unwrap_err();
    assert_eq!(again.code(), Some("ticket_invalid"));
    page.set_bearer(token["token"].as_str().map(str::to_owned));
    let bundle: Value = page.get(&format!("/v1/reading/{}/bundle", deposited.dossier)).await.unwrap();
    let manifest = Manifest::parse(&deposited.manifest).unwrap();
    assert_eq!(bundle["files"].as_array().unwrap().len(), 2, "the document and the sealed answers");

    let named = &manifest.document.files[0];
    let header =
        sceau_element_api::Base64Url::decode(bundle["files"][0]["header"].as_str().unwrap()).unwrap();
    let header = UnverifiedHeader::parse(&header).unwrap().unlock(&organisation.recipient).unwrap();
    assert_eq!(header.metadata().name(), "pièce.pdf");
    let mut opened = Vec::new();
    for index in 0..named.parts {
        let path = format!("/v1/reading/{}/files/{}/parts/{index}", deposited.dossier, named.file_id);
        let mut part = page.get_bytes(&path).await.unwrap().to_vec();
        let first = if index == 0 { part.clone() } else { page_part_zero(&page, &path).await };
        let opener = header.opener(&first).unwrap();
        opened.extend_from_slice(opener.open_part(index, index + 1 == named.parts, &mut part).unwrap());
    }
    assert!(opened == content, "what comes out is what went in");

    let decision = Decision {
        v: 1,
        dossier: deposited.dossier,
        organisation: organisation.enrolled.organisation,
        manifest_hash: manifest.hash,
        decision: Outcome::Accepted,
        reason: "Dossier complet.".to_owned(),
        decided_by: officer.account.parse().unwrap(),
        connector: None,
        role: DecisionRole::CaseOfficer,
        time: now_ms(),
    };
    let signed = jws::sign(&organisation.sign, Typ::Decision, &decision.to_bytes().unwrap());
    let evidence = organisation.machine.deliver_decision(&signed).await.unwrap();
    let proven = sceau_client::trust::verify(&evidence, citizen.log_key()).unwrap();
    assert_eq!(proven.asserted(), Asserted::Organisation);
    assert_eq!(organisation.machine.deliver_decision(&signed).await.unwrap()["index"], evidence["index"]);

    let view: Value = citizen.server().get(&format!("/v1/dossiers/{}", deposited.dossier)).await.unwrap();
    assert_eq!(view["state"], "accepted");
    assert_eq!(view["decision"]["reason"], "Dossier complet.");
    for line in view["timeline"].as_array().unwrap() {
        let path = format!("/v1/dossiers/{}/evidence/{}", deposited.dossier, line["index"]);
        let evidence: Value = citizen.server().get(&path).await.unwrap();
        sceau_client::trust::verify(&evidence, citizen.log_key()).unwrap();
    }
}

async fn page_part_zero(page: &sceau_client::Server, path: &str) -> Vec<u8> {
    let first = path.rsplit_once('/').unwrap().0;
    page.get_bytes(&format!("{first}/0")).await.unwrap().to_vec()
}
