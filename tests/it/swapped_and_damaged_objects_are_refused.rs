//! Somebody holds the objects of the platform and the rows that name them. A part that is swapped, damaged or gone is refused where
//! it is read, and the public log says so.

use sceau_client::ClientError;
use sceau_element_api::documents::{Document as _, Manifest};
use sceau_store::Value as Datum;
use sceau_tests::Stage;
use serde_json::Value;

/// What an answer was refused for.
fn refused<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> String {
    match answer {
        Err(ClientError::Refused { code, .. }) => code,
        other => panic!("refused expected: {other:?}"),
    }
}

fn text(value: &str) -> Datum {
    Datum::from(value)
}

/// Deposits twice and gives both dossiers with the first file of each.
async fn two(stage: &Stage) -> [(String, String); 2] {
    let mut both = Vec::new();
    for content in [b"the first".as_slice(), b"the second"] {
        let deposited = stage.deposit(content).await;
        let manifest = Manifest::parse(&deposited.manifest).unwrap().document;
        both.push((deposited.dossier.to_string(), manifest.files[0].file_id.to_string()));
    }
    both.try_into().unwrap()
}

const OBJECT: &str = "SELECT object AS v FROM parts WHERE file_id = $1";

/// Reads the first part of a file as the key manager's page does.
async fn read(stage: &Stage, dossier: &str, file: &str) -> Result<usize, ClientError> {
    let page = stage.reading(dossier.parse().unwrap()).await;
    Ok(page.get_bytes(&format!("/v1/reading/{dossier}/files/{file}/parts/0")).await?.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_not_swapped_with_anothers() {
    let mut stage = Stage::set("swapped-part").await;
    let [(dossier, file), (_, other)] = two(&stage).await;
    stage
        .house
        .behind_its_back(async |records| {
            let object: String = records.value(OBJECT, &[text(&other)]).await;
            records
                .edit("UPDATE parts SET object = $1 WHERE file_id = $2", &[object.into(), text(&file)])
                .await;
        })
        .await;
    assert_eq!(refused(read(&stage, &dossier, &file).await), "tampered");
    assert_eq!(stage.recorded("tampered", "part").await, 1);
    // Its digest with it: then it is the manifest that disagrees, before anything is fetched.
    stage
        .house
        .behind_its_back(async |records| {
            let digest: Vec<u8> =
                records.value("SELECT digest AS v FROM parts WHERE file_id = $1", &[text(&other)]).await;
            records
                .edit("UPDATE parts SET digest = $1 WHERE file_id = $2", &[digest.into(), text(&file)])
                .await;
        })
        .await;
    let page = stage.reading(dossier.parse().unwrap()).await;
    assert_eq!(refused(page.get::<Value>(&format!("/v1/reading/{dossier}/bundle")).await), "tampered");
    assert_eq!(stage.recorded("tampered", "file").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_object_is_refused() {
    let mut stage = Stage::set("damaged-object").await;
    let [(dossier, file), (second, other)] = two(&stage).await;
    let objects: [String; 2] = stage
        .house
        .behind_its_back(async |records| {
            [records.value(OBJECT, &[text(&file)]).await, records.value(OBJECT, &[text(&other)]).await]
        })
        .await;
    let first = stage.house.object(&objects[0]);
    let whole = std::fs::read(&first).unwrap();
    assert_eq!(read(&stage, &dossier, &file).await.unwrap(), whole.len());
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for damaged in [&whole[..whole.len() - 1], &[], &flipped] {
        std::fs::write(&first, damaged).unwrap();
        assert_eq!(refused(read(&stage, &dossier, &file).await), "tampered");
    }
    std::fs::remove_file(stage.house.object(&objects[1])).unwrap();
    assert_eq!(refused(read(&stage, &second, &other).await), "tampered");
    assert_eq!(stage.recorded("tampered", "part").await, 4);
}
