use sceau_client::Person;
use sceau_dossiers::DraftSpace;
use sceau_element_api::documents::{Document as _, Manifest, Outcome};
use serde_json::{Value, json};

use crate::support::{Draft, Office, World, submit, told};

const KIB: u64 = 1024;

/// Room for one file of four KiB with its header, and not for two.
const ONE_FILE: DraftSpace = DraftSpace { per_account: 8 * KIB, per_source: 1024 * KIB };
/// The same of everybody at one address; an account may have more.
const ONE_FROM_HERE: DraftSpace = DraftSpace { per_account: 1024 * KIB, per_source: 8 * KIB };

async fn set(space: DraftSpace) -> (World, Office, Person) {
    let world = World::with_draft_space(space).await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    let citizen = world.citizen("citizen@example.org").await;
    (world, office, citizen)
}

async fn taken(world: &World) -> u64 {
    world.count("SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS n FROM draft_space", &[]).await
}

fn file() -> Vec<u8> {
    vec![7; 4096]
}

#[tokio::test]
async fn of_one_account() {
    let (world, office, citizen) = set(ONE_FILE).await;
    let now = world.clock_now();
    let (one, two) = (Draft::begin(&citizen, &office, now).await, Draft::begin(&citizen, &office, now).await);
    one.send(&citizen, &file()).await.unwrap();
    let kept = taken(&world).await;
    assert!(kept > 4096 && kept < 8 * KIB, "the part and the header: {kept}");
    let objects = world.objects();
    assert_eq!(
        told(&two.send(&citizen, &file()).await),
        (409, "draft_space_used_up"),
        "in another dossier too"
    );
    assert_eq!(world.objects(), objects, "nothing is left of what was refused");
    let other = world.citizen("other@example.org").await;
    Draft::begin(&other, &office, now).await.send(&other, &file()).await.unwrap();
}

#[tokio::test]
async fn of_many_accounts_from_one_machine() {
    let (world, office, citizen) = set(ONE_FROM_HERE).await;
    let now = world.clock_now();
    Draft::begin(&citizen, &office, now).await.send(&citizen, &file()).await.unwrap();
    let other = world.citizen("other@example.org").await;
    let refused = Draft::begin(&other, &office, now).await.send(&other, &file()).await;
    assert_eq!(told(&refused), (409, "draft_space_used_up"));
}

#[tokio::test]
async fn withdrawing_gives_it_back() {
    let (world, office, citizen) = set(ONE_FILE).await;
    let now = world.clock_now();
    let draft = Draft::begin(&citizen, &office, now).await;
    draft.send(&citizen, &file()).await.unwrap();
    let other = world.citizen("other@example.org").await;
    let withdraw = async |who: &Person| {
        who.server().post::<_, Value>(&format!("{}/withdraw", draft.path()), &json!({})).await
    };
    assert_eq!(told(&withdraw(&other).await), (404, "not_found"), "somebody else's is not there");
    for _ in 0..2 {
        assert_eq!(told(&withdraw(&citizen).await), (200, ""));
    }
    assert_eq!((taken(&world).await, world.objects()), (0, 0));
    let view: Value = citizen.server().get(&draft.path()).await.unwrap();
    assert_eq!(view["state"], "withdrawn");
    assert_eq!(told(&draft.send(&citizen, &file()).await), (409, "withdrawn"));
    Draft::begin(&citizen, &office, now).await.send(&citizen, &file()).await.unwrap();
}

#[tokio::test]
async fn submitting_gives_it_back_and_what_was_sent_cannot_be_withdrawn() {
    let (world, office, citizen) = set(ONE_FILE).await;
    let deposited = office.deposit(&citizen, world.clock_now()).await;
    assert_eq!(taken(&world).await, 0);
    let path = format!("/v1/dossiers/{}/withdraw", deposited.dossier);
    let withdrawn = citizen.server().post::<_, Value>(&path, &json!({})).await;
    assert_eq!(told(&withdrawn), (409, "already_sent"));
    assert_eq!(world.objects(), 1);
}

#[tokio::test]
async fn the_same_part_again_counts_once() {
    let (world, office, citizen) = set(ONE_FILE).await;
    let draft = Draft::begin(&citizen, &office, world.clock_now()).await;
    let sealed = draft.send(&citizen, &file()).await.unwrap();
    let before = taken(&world).await;
    let path = format!("{}/files/{}/parts/0", draft.path(), sealed.file_id);
    let other = vec![1; 4096];
    let again = citizen.server().put_bytes(&path, other.clone(), &sceau_crypto::sha256(&other)).await;
    assert_eq!(told(&again), (409, "already_there"));
    assert_eq!((taken(&world).await, world.objects()), (before, 1));
}

#[tokio::test]
async fn a_kill_between_the_submission_and_its_release_is_made_good() {
    let (world, office, citizen) = set(DraftSpace::default()).await;
    let now = world.clock_now();
    let deposited = office.deposit(&citizen, now).await;
    let ask = office.decision(&deposited, Outcome::MoreInformation, "Encore.", now);
    office.machine.deliver_decision(&ask).await.unwrap();
    let draft = Draft::again(&citizen, &office, &deposited.dossier.to_string(), now).await;
    draft.send(&citizen, b"left out of the list").await.unwrap();
    let space = world.database.fetch_all(KEPT, &[]).await.unwrap();
    let values: Vec<sceau_store::Value> = vec![
        space[0].get::<String>("dossier").unwrap().into(),
        space[0].get::<String>("file_id").unwrap().into(),
        space[0].get::<String>("source").unwrap().into(),
        space[0].get::<String>("citizen").unwrap().into(),
        9_u64.into(),
        1000_u64.into(),
        1000_u64.into(),
    ];
    let first = Manifest::parse(&deposited.manifest).unwrap().document;
    submit(&citizen, &Manifest { created: now + 1, ..first }).await.unwrap();
    assert_eq!((taken(&world).await, world.objects()), (0, 1));

    // As a process leaves it that was killed after the element's word: the count still there.
    world.database.execute(sceau_dossiers::statements::TAKE_SPACE, &values).await.unwrap();
    assert_eq!(taken(&world).await, 9);
    world.dossiers.recover().await.unwrap();
    assert_eq!((taken(&world).await, world.objects()), (0, 1));
}

#[tokio::test]
async fn a_file_that_arrives_while_its_dossier_is_withdrawn_does_not_stay() {
    let (world, office, citizen) = set(ONE_FILE).await;
    let draft = Draft::begin(&citizen, &office, world.clock_now()).await;
    let path = format!("{}/withdraw", draft.path());
    citizen.server().post::<_, Value>(&path, &json!({})).await.unwrap();
    // As a request leaves it that asked for the phase before the withdrawal and wrote after it.
    let [dossier, account] = [draft.id.as_str(), citizen.account.as_str()];
    let header = sceau_store::params![dossier, "00", b"header".to_vec(), 1_u64, 51_u64];
    world.database.execute(sceau_dossiers::statements::INSERT_FILE, header).await.unwrap();
    let space = sceau_store::params![dossier, "00", "127.0.0.1", account, 6_u64, 1000_u64, 1000_u64];
    world.database.execute(sceau_dossiers::statements::TAKE_SPACE, space).await.unwrap();
    world.dossiers.recover().await.unwrap();
    assert_eq!((taken(&world).await, world.count("SELECT count(*) AS n FROM files", &[]).await), (0, 0));
}

const KEPT: sceau_store::Statement =
    sceau_store::Statement::new("KEPT", "SELECT dossier, file_id, source, citizen FROM draft_space");
