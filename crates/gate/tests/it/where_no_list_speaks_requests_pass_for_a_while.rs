//! The bounded fail-open: an ended list is believed for as long as the operator allows, each request leaves a record first, and whoever was
//! taken back stays out.

use std::{fs, time::Instant};

use crate::{
    kept::Kept,
    lists::{List, publish},
    outside::{Stage, chain, usual},
};

/// A gate whose list of clients ended then, and names one client.
async fn stage(ended: &str, journal: &str) -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let list = List::of_clients("05", &["revoked"]).dated("9 days ago", ended).make();
    publish(&folder.path().join("clients.crl"), &list);
    let lists = [format!("{}/root.crl", chain().display()), "clients.crl".to_owned()];
    let open = format!("fail_open = {{ maximum_age = \"48h\", journal = \"{journal}\" }}\naddresses =");
    Stage::with(folder, |upstream| usual(upstream, &lists).replace("addresses =", &open)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_list_is_believed_for_a_while_with_a_record_for_each_request() {
    let stage = stage("1 hour ago", "unchecked.jsonl").await;
    let journal = stage.folder().join("unchecked.jsonl");
    let records = || fs::read_to_string(&journal).unwrap();
    let mut known = Kept::open(stage.address, "known", "");
    let mut ids = Vec::new();
    for _ in 0..2 {
        let (status, head) = known.get("/mtls-protect/a").await;
        assert_eq!(status, "200", "{head}");
        ids.push(head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap().to_owned());
    }
    let lines = records();
    assert_eq!(lines.lines().count(), 2, "{lines}");
    for (line, id) in lines.lines().zip(&ids) {
        assert!(line.contains(id) && line.contains("sas-agregateur-recette"), "{line}");
        assert!(
            line.contains("\"clients\":\"recette\"") && line.contains("\"from\":\"127.0.0.1\""),
            "{line}"
        );
    }
    for (client, status, code) in [
        ("revoked", "401", "certificate_revoked"),
        ("unknown", "403", "client_unknown"),
        ("foreign", "401", "certificate_untrusted"),
    ] {
        let (said, head) = Kept::open(stage.address, client, "").get("/mtls-protect/a").await;
        assert!(said == status && head.contains(code), "{client}: {head}");
    }
    assert_eq!(records(), lines, "who is refused leaves none");

    let lie =
        format!("{} -H sceau-revocation:checked -H sceau_revocation:checked", Stage::as_client("known"));
    let seen = stage.curl("/mtls-protect/a", &lie).await;
    assert!(seen.contains("sceau-revocation: unchecked") && !seen.contains(": checked"), "{seen}");
    publish(&stage.folder().join("clients.crl"), &List::of_clients("06", &["revoked"]).make());
    let changed = Instant::now();
    while stage.curl("/mtls-protect/a", &lie).await.contains("sceau-revocation") {
        assert!(changed.elapsed().as_secs() < 10, "it arms itself again");
    }
    let before = records();
    assert_eq!(known.get("/mtls-protect/a").await.0, "200");
    assert_eq!(records(), before, "a list speaks: nothing to record");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_that_while_or_without_a_record_nobody_passes() {
    for (ended, journal) in [("49 hours ago", "unchecked.jsonl"), ("1 hour ago", "/dev/full")] {
        let stage = stage(ended, journal).await;
        let (status, head) = Kept::open(stage.address, "known", "").get("/mtls-protect/a").await;
        assert!(
            status == "401" && head.contains("certificate_revocation_unknown"),
            "{ended} {journal}: {head}"
        );
        drop(stage.stop().await);
    }
}
