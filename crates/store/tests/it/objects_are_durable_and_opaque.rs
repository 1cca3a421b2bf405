use std::path::Path;

use sceau_store::{Clock as _, ObjectName, Objects, SHELVES, SystemClock};
use tempfile::TempDir;

fn files_below(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder)
        .unwrap()
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() { files_below(&path) } else { vec![path.to_string_lossy().into_owned()] }
        })
        .collect()
}

#[tokio::test]
async fn an_object_is_written_once_under_a_random_name_in_two_levels() {
    let folder = TempDir::new().unwrap();
    let objects = Objects::folder(folder.path()).unwrap();
    let name = objects.put(b"one".to_vec()).await.unwrap();
    let same_bytes = objects.put(b"one".to_vec()).await.unwrap();
    assert_ne!(name, same_bytes, "a name says nothing of the content");
    let digits = name.as_str();
    let path = folder.path().join(&digits[0..2]).join(&digits[2..4]).join(digits);
    assert_eq!(std::fs::read(&path).unwrap(), b"one");
    assert_eq!(files_below(folder.path()).len(), 2, "nothing else lies there");

    let reopened = Objects::folder(folder.path()).unwrap();
    assert_eq!(reopened.get(&name).await.unwrap().unwrap().as_ref(), b"one");
    assert!(reopened.exists(&name).await.unwrap());
}

#[tokio::test]
async fn empty_and_large_objects_and_deletion() {
    let folder = TempDir::new().unwrap();
    let objects = Objects::folder(folder.path()).unwrap();
    let empty = objects.put(Vec::new()).await.unwrap();
    assert_eq!(objects.get(&empty).await.unwrap().unwrap().len(), 0);
    let large = objects.put(vec![7; 3 << 20]).await.unwrap();
    assert_eq!(objects.get(&large).await.unwrap().unwrap().len(), 3 << 20);
    objects.delete(&large).await.unwrap();
    objects.delete(&large).await.unwrap();
    assert_eq!(objects.get(&large).await.unwrap(), None);
    assert!(!objects.exists(&large).await.unwrap());
    let never = ObjectName::parse(&"0".repeat(64)).unwrap();
    objects.delete(&never).await.unwrap();
}

#[test]
fn only_names_that_we_hand_out_are_names() {
    for trick in
        ["", "../../etc/passwd", &"A".repeat(64), &"g".repeat(64), &"a".repeat(63), &"../".repeat(22)]
    {
        assert!(ObjectName::parse(trick).is_err(), "{trick}");
    }
}

#[tokio::test]
async fn what_is_older_than_a_time_is_found_shelf_by_shelf() {
    let folder = TempDir::new().unwrap();
    let objects = Objects::folder(folder.path()).unwrap();
    let mut names = Vec::new();
    for _ in 0..5 {
        names.push(objects.put(b"one".to_vec()).await.unwrap());
    }
    let found = async |before| {
        let mut found = Vec::new();
        for shelf in SHELVES {
            found.extend(objects.older_than(shelf, before).await.unwrap());
        }
        found.sort();
        found
    };
    let now = SystemClock.now_ms();
    assert_eq!(found(now - 60_000).await, []);
    names.sort();
    assert_eq!(found(now + 60_000).await, names);
}
