//! With the database, the objects, the logs and live dumps of the platform's memory under load in hand, a search finds no document,
//! no encrypted name or answer, no content key, no recipient key; the same search finds the canaries that prove that it works.

use std::collections::BTreeMap;
use std::path::Path;

use sceau_client::{Deposited, Document, Person, Scheme};
use sceau_crypto::envelope::UnverifiedHeader;
use sceau_element_api::Base64Url;
use sceau_element_api::documents::AnswerValue;
use sceau_tests::{Found, House, Needle, Organisation, memory_of, now_ms, publish_scheme, search};
use serde_json::{Value, json};

/// Deposits at the same time.
const LOAD: usize = 6;
const NAME: &str = "bulletin-de-salaire-de-Cleo-4711.pdf";
const PHRASE: &str = "Only the recipient reads this sentence about patient 271828.";
const SECRET_INCOME: u64 = 918_273_645_546_372;
const PUBLIC_PRICE: u64 = 192_837_465_564_738;
const EMAIL: &str = "canary-citizen@example.org";

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_platform_opens_nothing() {
    let house = House::start("stolen");
    let administrator = house.administrator().await;
    let organisation = house.organisation(&administrator, "Métropole canari").await;
    let (chief, officer) = house.staff(&administrator, organisation.enrolled.organisation).await;
    let scheme = publish_scheme(&chief).await;
    let citizen = house.citizen(EMAIL).await;
    let pid = house.platform.as_ref().unwrap().pid();

    let first = deposit(&citizen, &scheme, 0).await;
    let mut secrets = secrets_known_beforehand(&organisation);
    secrets.extend(content_keys(&house, &officer, &organisation, &first).await);
    let canaries = canaries(&first);

    let mut found = Vec::new();
    let mut canaries_in_memory = Vec::new();
    let mut regions = 0;
    let load = (1..=LOAD).map(|n| deposit(&citizen, &scheme, n));
    let load = futures::future::join_all(load);
    tokio::pin!(load);
    let deposits = loop {
        let dump = tokio::task::spawn_blocking(move || memory_of(pid).unwrap());
        tokio::select! {
            deposits = &mut load => break deposits,
            dump = dump => {
                let dump = dump.unwrap();
                regions += dump.len();
                found.extend(search_all(&dump, &secrets));
                canaries_in_memory.extend(search_all(&dump, &canaries));
            }
        }
    };
    for deposited in &deposits {
        secrets.extend(content_keys(&house, &officer, &organisation, deposited).await);
    }
    let dump = memory_of(pid).unwrap();
    found.extend(search_all(&dump, &secrets));
    canaries_in_memory.extend(search_all(&dump, &canaries));
    assert!(regions > 0, "the platform was dumped while it was under load");

    // Database, objects, mail and logs.
    let disk = files_below(house.scratch.path());
    found.extend(search_all(&disk, &secrets));
    assert!(found.is_empty(), "{found:#?}");

    let on_disk = search_all(&disk, &canaries);
    for canary in ["public answer", "file id", "address"] {
        assert!(
            on_disk.iter().any(|found| found.needle == canary),
            "the search does not see the {canary} on disk"
        );
    }
    assert!(!canaries_in_memory.is_empty(), "the search sees nothing in memory");
}

async fn deposit(citizen: &Person, scheme: &Scheme, n: usize) -> Deposited {
    let answers = BTreeMap::from([
        ("price".to_owned(), AnswerValue::Number(PUBLIC_PRICE.into())),
        ("income".to_owned(), AnswerValue::Number(SECRET_INCOME.into())),
    ]);
    let mut content = format!("%PDF-1.4 {n} ").into_bytes();
    while content.len() < 2_200_000 {
        content.extend_from_slice(PHRASE.as_bytes());
    }
    let document = Document { name: NAME.to_owned(), media_type: "application/pdf".to_owned(), content };
    citizen.deposit(scheme, &answers, &[document], now_ms(), &mut |_| {}).await.unwrap()
}

fn secrets_known_beforehand(organisation: &Organisation) -> Vec<Needle> {
    let recipient = organisation.recipient.to_secret_bytes();
    vec![
        Needle::text("document", PHRASE),
        Needle::text("file name", NAME),
        Needle::text("sensitive answer", &SECRET_INCOME.to_string()),
        Needle::new("recipient key", recipient.expose()),
        Needle::new("root", organisation.root.seed().expose()),
        Needle::new("signing key", organisation.sign.seed().expose()),
        Needle::text("passphrase of the element", "a passphrase for one test only"),
    ]
}

fn canaries(deposited: &Deposited) -> Vec<Needle> {
    let manifest: Value = serde_json::from_slice(&deposited.manifest).unwrap();
    let file = hex::decode(manifest["files"][0]["file_id"].as_str().unwrap()).unwrap();
    vec![
        Needle::text("public answer", &PUBLIC_PRICE.to_string()),
        Needle::new("file id", &file),
        Needle::text("address", EMAIL),
    ]
}

/// The content keys of a deposit, as the organisation unwraps them.
async fn content_keys(
    house: &House,
    officer: &Person,
    organisation: &Organisation,
    deposited: &Deposited,
) -> Vec<Needle> {
    let link = officer.ticket(deposited.dossier).await.unwrap();
    let ticket = link.rsplit_once("ticket=").unwrap().1;
    let page = sceau_client::Server::new(&house.origin, &sceau_client::Trust::default()).unwrap();
    let token: Value = page.post("/v1/tickets/exchange", &json!({"ticket": ticket})).await.unwrap();
    page.set_bearer(token["token"].as_str().map(str::to_owned));
    let bundle: Value = page.get(&format!("/v1/reading/{}/bundle", deposited.dossier)).await.unwrap();
    let files = bundle["files"].as_array().unwrap();
    assert_eq!(files.len(), 2, "the document and the sealed answers");
    files
        .iter()
        .map(|file| {
            let header = Base64Url::decode(file["header"].as_str().unwrap()).unwrap();
            let header = UnverifiedHeader::parse(&header).unwrap().unlock(&organisation.recipient).unwrap();
            Needle::aes_256("content key", header.cek().expose())
        })
        .collect()
}

fn search_all(haystacks: &[(String, Vec<u8>)], needles: &[Needle]) -> Vec<Found> {
    haystacks.iter().flat_map(|(place, bytes)| search(place, bytes, needles)).collect()
}

/// Every file below a folder but the element's own zone, which is not the platform's.
fn files_below(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let theirs = path.ends_with("element") || path.ends_with("passphrase");
            if path.is_dir() && !theirs {
                folders.push(path);
            } else if path.is_file() && !theirs {
                files.push((path.display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
    }
    assert!(!files.is_empty());
    files
}
