//! What is sent is judged as MOB judges it, and says what is wrong in its words, with a stable code beside.

use std::io::Write as _;
use std::process::{Command, Stdio};

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use sceau_crypto::mob::MobPrivateKey;
use serde_json::{Value, json};

use super::opening::{download, node_opens};
use super::{Mob, key_form, lea, one_file, part, pdf};

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"]["code"].as_str().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_taken_from_their_funder_in_one_form() {
    let mob = Mob::start().await;
    let private = MobPrivateKey::generate().unwrap();
    let (first, second) = (mob.key_manager(0).await, mob.key_manager(1).await);
    let put = async |office: usize, form: &Value| {
        let caller = if office == 0 { &first } else { &second };
        let path = format!("/v1/funders/{}/encryption_key", mob.offices[office].id);
        let (status, answer) = caller.send(Method::PUT, &path, form).await;
        (status, answer["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let good = key_form(&private, 1);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut form = good.clone();
        change(&mut form);
        form
    };
    let invalid = (422, "mob_body_invalid".to_owned());
    assert_eq!(put(0, &with(&|form| form["version"] = json!(0))).await, invalid);
    assert_eq!(put(0, &with(&|form| form["id"] = json!(""))).await, invalid);
    assert_eq!(put(0, &with(&|form| form["expirationDate"] = json!("tomorrow"))).await, invalid);
    assert_eq!(
        put(0, &with(&|form| form["privateKeyAccess"]["loginURL"] = json!("javascript:x"))).await,
        invalid
    );
    assert_eq!(put(0, &with(&|form| drop(form.as_object_mut().unwrap().remove("publicKey")))).await, invalid);
    let unusable = (422, "mob_key_unusable".to_owned());
    assert_eq!(
        put(0, &with(&|form| form["publicKey"] = json!("-----BEGIN PUBLIC KEY-----"))).await,
        unusable
    );
    assert_eq!(put(0, &with(&|form| form["publicKey"] = json!(rsa_3072()))).await, unusable);
    // Only who decides over the bus may leave out where the key is.
    let without = with(&|form| drop(form.as_object_mut().unwrap().remove("privateKeyAccess")));
    assert_eq!(put(1, &without).await, (400, "mob_key_access_missing".to_owned()));
    assert_eq!(put(0, &without).await, (204, String::new()));
    assert_eq!(put(0, &good).await, (204, String::new()));
    assert_eq!(put(0, &good).await, (204, String::new()), "the same again is the same");
    // An expired key is kept, and nothing is sealed to it.
    assert_eq!(put(0, &with(&|form| form["expirationDate"] = json!("2022-12-17T14:22:01Z"))).await.0, 204);
    let maas = mob.maas().await;
    let id = maas.subscribe(mob.incentives[0]).await;
    assert_eq!(code(&maas.attach(&id, one_file("a.pdf", pdf(10))).await), (422, "mob_key_expired"));
    let id = maas.subscribe(mob.incentives[1]).await;
    assert_eq!(code(&maas.attach(&id, one_file("a.pdf", pdf(10))).await), (422, "mob_key_missing"));
    // A key that somebody put into the database is not sealed to: the element does not know it.
    mob.publish_key(0, 2).await;
    let swapped = key_form(&MobPrivateKey::generate().unwrap(), 2).to_string().into_bytes();
    let swap = "UPDATE attested_documents SET payload = $1 WHERE kind = 'funder-key'";
    let statement = sceau_store::Statement::new("SWAP", swap);
    mob.world.database.execute(statement, sceau_store::params![swapped]).await.unwrap();
    let id = maas.subscribe(mob.incentives[0]).await;
    assert_eq!(code(&maas.attach(&id, one_file("a.pdf", pdf(10))).await), (500, "mob_tampered"));
}

fn rsa_3072() -> String {
    let made = Command::new("sh")
        .args([
            "-c",
            "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 2>/dev/null | openssl pkey -pubout",
        ])
        .output()
        .unwrap();
    String::from_utf8(made.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_answer_their_incentive() {
    let mob = Mob::start().await;
    let maas = mob.maas().await;
    let good = json!({"incentiveId": mob.incentives[0], "consent": true, "citizen": lea(), "km": 60});
    let post = async |change: &dyn Fn(&mut Value)| {
        let mut form = good.clone();
        change(&mut form);
        let (status, answer) = maas.send(Method::POST, "/v1/subscriptions", &form).await;
        (status, answer["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let is = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(post(&|form| form["consent"] = json!(false)).await, is(422, "mob_consent_missing"));
    assert_eq!(post(&|form| form["communityId"] = json!("x")).await, is(422, "mob_communities"));
    assert_eq!(post(&|form| form["km"] = json!("far")).await, is(422, "mob_body_invalid"));
    assert_eq!(post(&|form| form["shoes"] = json!(42)).await, is(422, "mob_body_invalid"));
    assert_eq!(
        post(&|form| drop(form.as_object_mut().unwrap().remove("km"))).await,
        is(422, "mob_body_invalid")
    );
    assert_eq!(
        post(&|form| drop(form.as_object_mut().unwrap().remove("citizen"))).await,
        is(422, "mob_person_missing")
    );
    assert_eq!(
        post(&|form| form["citizen"]["birthdate"] = json!("31/12/1990")).await,
        is(422, "mob_body_invalid")
    );
    // A scheme whose documents come in another way is no incentive here.
    let sealed = mob.offices[0].scheme.id;
    assert_eq!(post(&|form| form["incentiveId"] = json!(sealed)).await, is(403, "mob_access_denied"));
    let (status, answer) = maas.send(Method::POST, "/v1/subscriptions", &good).await;
    assert_eq!(status, 201);
    let path = format!("/v1/subscriptions/{}", answer["id"].as_str().unwrap());
    assert_eq!(code(&maas.send(Method::PATCH, &path, &json!({})).await), (422, "mob_fields_missing"));
    assert_eq!(maas.send(Method::PATCH, &path, &json!({"km": 75})).await.0, 204);
    // At the older address, with the older status.
    let (status, older) = maas.send(Method::POST, "/v1/maas/subscriptions", &good).await;
    assert_eq!((status, older["id"].is_string()), (200, true));
    let id = older["id"].as_str().unwrap();
    let (status, _) =
        maas.send(Method::POST, &format!("/v1/maas/subscriptions/{id}/verify"), &json!({})).await;
    assert_eq!(status, 200);
    assert_eq!(
        code(&maas.send(Method::PATCH, &format!("/v1/subscriptions/{id}"), &json!({"km": 1})).await),
        (409, "mob_bad_status")
    );
    let list = maas.get("/v1/maas/subscriptions").await.1;
    assert_eq!((list.as_array().unwrap().len(), &list[0]["id"]), (1, &json!(id)));
    // MOB's own error object.
    let (_, answer) = maas.verify(id).await;
    let error = json!({
        "statusCode": 409, "name": "ConflictError", "message": "subscriptions.error.bad.status", "path": "/subscription",
        "resourceName": "Subscription", "code": "mob_bad_status",
        "details": "The subscription is past this step, or has not reached it.",
    });
    assert_eq!(answer, json!({ "error": error }));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_taken_whole_or_not_at_all() {
    let mut mob = Mob::start().await;
    mob.publish_key(0, 1).await;
    let (maas, hr) = (mob.maas().await, mob.hr(0).await);
    let id = maas.subscribe(mob.incentives[0]).await;
    let before = mob.world.objects();
    let attach = async |form: Form| {
        let (status, answer) = maas.attach(&id, form).await;
        (status, answer["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let is = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(attach(Form::new().text("note", "rien")).await, is(400, "mob_files_missing"));
    let many = (0..11)
        .fold(Form::new(), |form, n| form.part("f", part(&format!("{n}.pdf"), pdf(100), "application/pdf")));
    assert_eq!(attach(many).await, is(400, "mob_files_too_many"));
    let typed =
        |bytes: &[u8], media_type: &str| Form::new().part("f", part("a.bin", bytes.to_vec(), media_type));
    assert_eq!(attach(typed(b"%PDF-1.7", "image/heic")).await, is(415, "mob_file_type"));
    assert_eq!(
        attach(typed(b"MZ\x90\0\x03\0\0\0\x04\0\0\0", "application/pdf")).await,
        is(415, "mob_file_type")
    );
    assert_eq!(
        attach(typed(b"%PDF-1.7 /Encrypt 5 0 R >>", "application/pdf")).await,
        is(422, "mob_file_encrypted")
    );
    assert_eq!(attach(one_file("../../etc/passwd", pdf(10))).await, is(422, "mob_file_name"));
    let unknown = one_file("a.pdf", pdf(10)).part("data", Part::text("{\"metadataId\":\"x\"}"));
    assert_eq!(attach(unknown).await, is(404, "mob_metadata_unknown"));
    mob.clamd.fall();
    assert_eq!(attach(one_file("a.pdf", pdf(10))).await, is(503, "mob_antivirus_away"));
    mob.clamd.go_on().unwrap();
    assert_eq!(mob.world.objects(), before, "none of these left anything");
    // Two files of one name; two requests at once, of which one is taken.
    let twins = || {
        Form::new()
            .part("f", part("a.pdf", pdf(2_000_000), "application/pdf"))
            .part("g", part("a.pdf", pdf(3), "application/octet-stream"))
    };
    let (one, two) = tokio::join!(attach(twins()), attach(twins()));
    let mut both = [one, two];
    both.sort();
    assert_eq!(both, [is(201, ""), is(422, "mob_files_provided")]);
    assert_eq!(mob.world.objects(), before + 3, "the other one's parts are gone");
    assert_eq!(attach(one_file("b.pdf", pdf(10))).await, is(422, "mob_files_provided"));
    assert_eq!(maas.verify(&id).await.0, 200);
    let (_, view) = hr.get(&format!("/v1/subscriptions/{id}")).await;
    assert_eq!(view["attachments"][1]["originalName"], "a(1).pdf");
    assert_eq!(
        code(&hr.get(&format!("/v1/subscriptions/{id}/attachments/b.pdf")).await),
        (404, "mob_attachment_unknown")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn purchases_become_invoices_that_others_can_read() {
    let mob = Mob::start().await;
    let private = mob.publish_key(0, 1).await;
    let (maas, other, hr) = (mob.maas().await, mob.maas().await, mob.hr(0).await);
    let invoice = json!({
        "enterprise": {"enterpriseName": "IDFM", "siretNumber": "36252187900034"},
        "customer": {"customerId": "123789", "customerName": "RASOVSKY", "customerSurname": "Bob"},
        "transaction": {"orderId": "30723", "purchaseDate": "2021-03-03T14:54:18+01:00", "amountInclTaxes": 7520},
        "products": [{"productName": "Forfait Navigo (Été)", "quantity": 1, "amountInclTaxes": 7520}],
    });
    let metadata = |count: u32| {
        json!({
            "incentiveId": mob.incentives[0], "attachmentMetadata": {"invoices": [invoice], "totalElements": count},
        })
    };
    let path = "/v1/subscriptions/metadata";
    assert_eq!(code(&maas.send(Method::POST, path, &metadata(2)).await), (422, "mob_invoice_count"));
    let (status, made) = maas.send(Method::POST, path, &metadata(1)).await;
    let metadata_id = made["metadataId"].as_str().unwrap().to_owned();
    assert_eq!(status, 201);
    assert!(made["subscriptionURL"].as_str().unwrap().ends_with(&format!("&metadataId={metadata_id}")));
    let one = format!("{path}/{metadata_id}");
    assert_eq!(code(&other.get(&one).await), (403, "mob_access_denied"));
    let name = "03-03-2021_Forfait_Navigo_(Été)_Bob_RASOVSKY.pdf";
    assert_eq!(maas.get(&one).await.1["attachmentMetadata"], json!([{ "fileName": name }]));
    let id = maas.subscribe(mob.incentives[0]).await;
    let data = Form::new().part("data", Part::text(json!({ "metadataId": metadata_id }).to_string()));
    assert_eq!(maas.attach(&id, data).await.0, 201);
    assert_eq!(code(&maas.get(&one).await), (404, "mob_metadata_unknown"), "they went with the subscription");
    assert_eq!(maas.verify(&id).await.0, 200);
    let (_, view) = hr.get(&format!("/v1/subscriptions/{id}")).await;
    assert_eq!(view["attachments"][0]["originalName"], name);
    assert_eq!(view["attachments"][0]["proofType"], "invoice");
    let opened = node_opens(&private, &view, &download(&hr, &id, name).await);
    let text = pdf_text(&opened);
    for line in [
        "Facture 30723",
        "Client : Bob RASOVSKY (123789)",
        "1 x Forfait Navigo (Été) : 75,20 EUR",
        "Total TTC : 75,20 EUR",
    ] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
}

/// What a reader that we did not write finds in a PDF.
fn pdf_text(pdf: &[u8]) -> String {
    let mut reader = Command::new("pdftotext")
        .args(["-enc", "UTF-8", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("poppler-utils is installed");
    reader.stdin.take().unwrap().write_all(pdf).unwrap();
    let output = reader.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}
