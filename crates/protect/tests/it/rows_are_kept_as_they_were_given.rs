use sceau_element_api::documents::{Datum, DatumStatus, Document as _};
use sceau_element_api::protect::{DatumId, KeptRow};
use sceau_element_api::wire::AttestedRow;
use sceau_element_api::{ApplicationId, OrganisationId};
use sceau_protect::{MIGRATIONS, Rows};
use sceau_store::{Database, Statement, params};

fn datum() -> Datum {
    Datum {
        v: 1,
        id: DatumId::random(),
        organisation: OrganisationId::random(),
        application: ApplicationId::random(),
        owner: "alice@example.org".parse().unwrap(),
        name: "Ordonnance".into(),
        tags: vec!["2026".into(), "cardiologie".into()],
        created: 1,
        expires: 2,
        valid_from: None,
        valid_until: None,
        status: DatumStatus::Active,
        rules: None,
        held: None,
        erased: None,
        grants: vec![],
    }
}

fn version(datum: &Datum, version: u64) -> (AttestedRow, KeptRow) {
    let payload = datum.to_bytes().unwrap();
    let row = AttestedRow { version, hash: sceau_trace::sha256(&payload), index: version };
    (row, KeptRow { payload: payload.into(), salt: vec![7; 81].into() })
}

#[tokio::test]
async fn a_datum_comes_back_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("records.db"), MIGRATIONS).await.unwrap();
    let rows = Rows::new(database);
    let mut datum = datum();
    assert_eq!(rows.datum(datum.id).await.unwrap(), None);
    let (row, kept) = version(&datum, 1);
    rows.keep_datum(&row, &kept).await.unwrap();
    assert_eq!(rows.datum(datum.id).await.unwrap(), Some(kept));

    datum.status = DatumStatus::Inactive;
    datum.tags = vec!["2027".into()];
    let (row, kept) = version(&datum, 2);
    rows.keep_datum(&row, &kept).await.unwrap();
    assert_eq!(rows.datum(datum.id).await.unwrap(), Some(kept));
}

#[tokio::test]
async fn what_is_no_datum_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let rows = Rows::new(Database::open(&folder.path().join("records.db"), MIGRATIONS).await.unwrap());
    let (row, mut kept) = version(&datum(), 1);
    kept.payload.0.push(b'x');
    assert!(rows.keep_datum(&row, &kept).await.is_err());
}

#[tokio::test]
async fn data_that_come_at_once_are_all_kept_and_one_that_cannot_be_is_told_alone() {
    const REFUSING: Statement = Statement::new(
        "REFUSING",
        "CREATE TRIGGER refusing BEFORE INSERT ON protect_datum WHEN NEW.expires = 27 \
         BEGIN SELECT RAISE(ABORT, 'not this one'); END",
    );
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("records.db"), MIGRATIONS).await.unwrap();
    database.execute(REFUSING, params![]).await.unwrap();
    let rows = Rows::new(database);
    let all: Vec<_> = (0..50)
        .map(|nth| {
            let datum = Datum { expires: nth + 2, ..datum() };
            (nth, datum.id, version(&datum, 1))
        })
        .collect();
    let kept = all.iter().map(|(_, _, (row, kept))| rows.keep_datum(row, kept));
    // The first is written alone; those that come meanwhile, together.
    let kept = futures::future::join_all(kept).await;
    for ((nth, id, (_, given)), kept) in all.iter().zip(kept) {
        assert_eq!(kept.is_ok(), *nth != 25, "{nth}: {kept:?}");
        let expected = (*nth != 25).then_some(given);
        assert_eq!(rows.datum(*id).await.unwrap().as_ref(), expected, "{nth}");
    }
}
