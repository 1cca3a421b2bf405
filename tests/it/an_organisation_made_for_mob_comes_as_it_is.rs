//! An organisation with a Vault, RabbitMQ and software of its own, all made for Mon Compte Mobilité: its key manager publishes, a mobility service
//! subscribes, MOB's page opens the documents, the company's system decides. Page and system are clients that we did not write.

use std::io::Write as _;
use std::process::{Command, Stdio};

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use sceau_client::Server;
use sceau_tests::{House, MOB_PAGE, MobStage, Premises, Program, Scratch};
use serde_json::{Value, json};

const JUDGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/judges/mob_platform.mjs");

/// What the judge says of the documents that it opened.
fn judged(given: &Value) -> Value {
    let mut node = Command::new("node")
        .arg(JUDGE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Node is installed");
    node.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "the judge says why above");
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["sha256"].clone()
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(sceau_crypto::sha256(bytes))
}

/// Sends a subscription of Léa with two files; its id.
async fn subscribe(stage: &MobStage, files: &[(&str, Vec<u8>)]) -> String {
    let maas = stage.token(&stage.mobility_service()).await;
    let body = json!({
        "incentiveId": stage.incentive.id, "consent": true, "km": 60,
        "citizen": {"id": "c0ffee00-4dc9-422e-a17d-40c1bf1c37c4", "lastName": "Durand", "firstName": "Léa",
            "birthdate": "1990-12-12", "email": "lea@example.org"},
    });
    let answer = stage.request(&maas, Method::POST, "/v1/subscriptions").json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let answer: Value = answer.json().await.unwrap();
    let id = answer["id"].as_str().unwrap().to_owned();
    let form = files.iter().fold(Form::new(), |form, (name, bytes)| {
        let part = Part::bytes(bytes.clone()).file_name((*name).to_owned());
        form.part("justificatif", part.mime_str("application/pdf").unwrap())
    });
    let path = format!("/v1/subscriptions/{id}/attachments");
    let answer = stage.request(&maas, Method::POST, &path).multipart(form).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let path = format!("/v1/subscriptions/{id}/verify");
    let answer = stage.request(&maas, Method::POST, &path).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn its_page_opens_and_its_system_decides() {
    let stage = MobStage::start("mob-as-it-is").await;
    let pdf = |size: usize| [b"%PDF-1.7\n".to_vec(), (0..size).map(|i| (i % 251) as u8).collect()].concat();
    let files = [("rib.pdf", pdf(1_500_000)), ("carte d’identité.pdf", pdf(200_000))];
    let id = subscribe(&stage, &files).await;
    let expected = json!([sha256(&files[0].1), sha256(&files[1].1)]);

    // The page of a case officer, which knows where keys are from the subscription.
    let token = stage.token(&stage.client).await;
    let key_manager = |pem: &[u8]| {
        json!({
            "authority": String::from_utf8_lossy(stage.premises.authority()), "certificate": String::from_utf8_lossy(pem),
            "loginURL": format!("{}/v1/auth/cert/login", stage.premises.address()),
            "getKeyURL": format!("{}/v1/transit/export/encryption-key/CLIENT/1", stage.premises.address()),
        })
    };
    let officer = stage.premises.officer_trust().identity_pem.unwrap();
    let given = json!({
        "as": "page", "url": stage.url, "authority": stage.authority, "token": token, "origin": MOB_PAGE,
        "subscription": id, "keys": key_manager(&officer),
    });
    assert_eq!(judged(&given), expected, "the page opens what was sent");

    // The company's system, which knows everything from the bus.
    stage.grant_system().await;
    let hr = stage.hr();
    let message = hr.take(&stage.queue());
    assert_eq!(message["headers"]["message_type"], "subscriptions.put.simulation-sirh");
    let body: Value = serde_json::from_str(message["body"].as_str().unwrap()).unwrap();
    assert_eq!((&body["subscriptionId"], &body["status"]), (&json!(id), &json!("A_TRAITER")));
    assert_eq!((&body["lastName"], &body["specificFields"]), (&json!("Durand"), &json!("{\"km\":60}")));
    let given = json!({
        "as": "system", "authority": stage.authority, "token": token, "message": body,
        "keys": key_manager(stage.premises.connector().0),
    });
    assert_eq!(judged(&given), expected, "the company's system opens what was sent");
    let reply = json!({
        "citizenId": body["citizenId"], "subscriptionId": id, "status": "VALIDEE", "mode": "unique", "amount": 50, "comments": "ok",
    });
    assert_eq!(hr.send(&stage.answer_headers(), &reply.to_string())["sent"], true);
    let view = loop {
        let path = format!("/v1/subscriptions/{id}");
        let view = stage.request(&token, Method::GET, &path).send().await.unwrap();
        let view: Value = view.json().await.unwrap();
        if view["status"] != "A_TRAITER" {
            break view;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(view["status"], "VALIDEE");
    assert_eq!(view["subscriptionValidation"], json!({"mode": "unique", "amount": 50, "comments": "ok"}));
}

/// A preflight as browsers send it, without a certificate: the status, and which origin is let in.
async fn preflight(premises: &Premises, path: &str, origin: &str) -> (u16, Option<String>) {
    let anchors = reqwest::Certificate::from_pem_bundle(premises.authority()).unwrap();
    let here = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let http = reqwest::Client::builder().no_proxy().tls_certs_only(anchors).resolve("cles.localhost", here);
    let request = http.build().unwrap().request(Method::OPTIONS, format!("{}{path}", premises.address()));
    let request = request.header("origin", origin).header("access-control-request-method", "POST");
    let answer = request.header("access-control-request-headers", "content-type").send().await.unwrap();
    let allowed = answer.headers().get("access-control-allow-origin");
    (answer.status().as_u16(), allowed.map(|value| value.to_str().unwrap().to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_05_and_fault_11_at_the_key_manager() {
    let house = House::start("mob-faults-5-and-11");
    let administrator = house.administrator().await;
    let (mut premises, _) = Premises::found(&house, &administrator, "Région").await;
    premises.policy = Some(house.scratch.write("policy.toml", "[transit]\n"));
    premises.start_key_manager(&house);
    // Roles are in certificates: a case officer's passes neither for an administrator's here nor in the part that answers as a Vault.
    let officer = Server::new(&premises.address(), &premises.officer_trust()).unwrap();
    let refused = officer.get::<Value>("/v1/keys").await.unwrap_err();
    assert_eq!(refused.code(), Some("certificate_wrong_role"), "{refused}");
    assert!(premises.administration().get::<Value>("/v1/keys").await.is_ok());
    let login: Value = officer.post("/v1/auth/cert/login", &json!({})).await.unwrap();
    assert!(!login["auth"]["policies"].to_string().contains("manage"), "{login}");
    // Off by default: no page of another origin is answered, with or without a certificate.
    let login = "/v1/auth/cert/login";
    assert_eq!(preflight(&premises, login, MOB_PAGE).await, (403, None));
    // By the organisation's word, one page is, without a certificate, which browsers do not send with a preflight.
    drop(premises.key_manager.take());
    let policy = format!("[transit]\npage_origin = \"{MOB_PAGE}\"\n");
    premises.policy = Some(house.scratch.write("policy.toml", policy));
    premises.start_key_manager(&house);
    let (status, allowed) = preflight(&premises, login, MOB_PAGE).await;
    assert!((200..300).contains(&status) && allowed.as_deref() == Some(MOB_PAGE));
    assert_eq!(preflight(&premises, login, "https://evil.example").await, (403, None));
    assert_eq!(preflight(&premises, "/v1/bindings", MOB_PAGE).await.1, None, "and nothing else is");
}

#[test]
fn fault_03_the_profile_is_off_until_somebody_writes_out_what_it_gives_up() {
    let scratch = Scratch::new("mob-off");
    let serve = |settings: &str| {
        let config = scratch.write("platform.toml", settings);
        let mob = Program::ours("sceau").args([
            "serve",
            "mob",
            "--data",
            "/nowhere",
            "--element",
            "/nowhere",
            "--key",
        ]);
        let mob =
            mob.arg(scratch.join("mob.key")).args(["--antivirus", "unix:/nowhere", "--config"]).arg(config);
        let finished = mob.run();
        assert_eq!(finished.code, Some(2), "{}", finished.stderr);
        finished.stderr
    };
    assert!(serve("").contains("off unless an operator asks for it"));
    let section = |danger: &str| {
        format!(
            "[mob]\nurl = \"https://mob.example.org\"\nkey = \"{}\"\ndanger_accepted = [{danger}]\n[[mob.funders]]\n\
             organisation = \"1b0c9f5e-8d5c-4b43-9d39-6d2f3a0c1e77\"\n",
            "A".repeat(43)
        )
    };
    for danger in ["", "\"integrity\"", "\"integrity\", \"plaintext\""] {
        let said = serve(&section(danger));
        assert!(said.contains("gives up") && said.contains("preflight"), "{said}");
    }
}
