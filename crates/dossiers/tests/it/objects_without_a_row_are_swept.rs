use sceau_store::{Objects, Statement};

use crate::support::{Draft, World};

const DAY: u64 = 86_400_000;

#[tokio::test]
async fn what_a_kill_left_goes_after_a_day_and_nothing_that_a_row_names_does() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    let citizen = world.citizen("citizen@example.org").await;
    let deposited = office.deposit(&citizen, world.clock_now()).await;
    let draft = Draft::begin(&citizen, &office, world.clock_now()).await;
    draft.send(&citizen, b"still a draft").await.unwrap();
    // Killed after the object and before its row; and in the middle of writing an object.
    let folder = world.folder.path().join("objects");
    let objects = Objects::folder(&folder).unwrap();
    let orphan = objects.put(b"nobody names me".to_vec()).await.unwrap();
    let half = objects.put(b"half an object".to_vec()).await.unwrap();
    let half = folder.join(&half.as_str()[..2]).join(&half.as_str()[2..4]).join(half.as_str());
    std::fs::File::options().write(true).open(half).unwrap().set_len(5).unwrap();
    assert_eq!(world.objects(), 4);

    assert_eq!(world.dossiers.sweep_orphans().await.unwrap(), 0, "it may be of an upload that is under way");
    assert_eq!(world.objects(), 4);
    world.clock.advance(DAY + 60_000);
    assert_eq!(world.dossiers.sweep_orphans().await.unwrap(), 2);
    assert_eq!(world.objects(), 2);
    assert!(!objects.exists(&orphan).await.unwrap());
    assert_eq!(world.dossiers.sweep_orphans().await.unwrap(), 0);

    let view = world.dossiers.dossier_of(citizen.account.parse().unwrap(), deposited.dossier).await.unwrap();
    assert_eq!(view.summary.state, "submitted");
}

#[tokio::test]
async fn a_file_that_was_being_removed_when_a_kill_came_is_removed_by_the_next_start() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let office = world.office(&administrator, "lyon").await;
    let citizen = world.citizen("citizen@example.org").await;
    let draft = Draft::begin(&citizen, &office, world.clock_now()).await;
    for content in [b"one", b"two"] {
        draft.send(&citizen, content).await.unwrap();
    }
    // Killed after the objects of one file and before its rows.
    let one = Statement::new("ONE", "SELECT object FROM parts ORDER BY object LIMIT 1");
    let object = world.database.fetch_one(one, &[]).await.unwrap().get("object").unwrap();
    Objects::folder(&world.folder.path().join("objects")).unwrap().delete(&object).await.unwrap();
    world.clock.advance(31 * DAY);
    assert_eq!(world.dossiers.sweep_orphans().await.unwrap(), 0, "a row names the other one");
    world.dossiers.recover().await.unwrap();
    assert_eq!((world.objects(), world.count("SELECT count(*) AS n FROM parts", &[]).await), (0, 0));
    let view = world.dossiers.dossier_of(citizen.account.parse().unwrap(), draft.id.parse().unwrap()).await;
    assert_eq!(view.unwrap().summary.state, "withdrawn");
}

#[tokio::test]
async fn a_database_that_is_not_the_objects_own_costs_none_of_them() {
    // Their database was lost or mistaken, and an empty one made in its place.
    let world = World::new().await;
    let objects = Objects::folder(&world.folder.path().join("objects")).unwrap();
    for part in 0_u8..101 {
        objects.put(vec![part]).await.unwrap();
    }
    world.clock.advance(DAY + 60_000);
    assert_eq!(world.dossiers.sweep_orphans().await.unwrap(), 0);
    assert_eq!(world.objects(), 101);
}
