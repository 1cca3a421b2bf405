//! One second after the file of a list was changed, the next request of whoever it names is refused, however its connection came about: none of them is begun
//! anew, or shows its certificate again. So is the next request of whoever a rule of the file no longer names.

use std::time::Duration;

use h2::client::SendRequest;

use crate::{
    kept::Kept,
    lists::{List, publish},
    outside::{Stage, chain, usual},
    two,
};

const PATH: &str = "/mtls-protect/a";
const VERSIONS: [&str; 2] = ["tls1_2", "tls1_3"];

/// Status and code of one request.
type Answer = (String, String);

/// Connections that were open before, and sessions to be taken up.
struct Open {
    /// HTTP/1.1 by OpenSSL in each version of TLS; then the same again, of sessions that were taken up before.
    kept: Vec<Kept>,
    /// HTTP/2.
    shared: SendRequest<bytes::Bytes>,
}

fn of_head((status, head): (String, String)) -> Answer {
    let code = head.lines().find_map(|line| line.strip_prefix("sceau-code: ")).unwrap_or_default();
    (status, code.to_owned())
}

fn session(stage: &Stage, version: &str) -> String {
    stage.folder().join(format!("{version}.session")).display().to_string()
}

/// A session of its own for each version, kept by OpenSSL for later.
async fn remember(stage: &Stage) {
    for version in VERSIONS {
        let words = format!("-{version} -sess_out {}", session(stage, version));
        let mut kept = Kept::open(stage.address, "known", &words);
        assert_eq!(kept.get(PATH).await.0, "200", "{version}");
    }
}

/// Offers what is remembered.
async fn offer(stage: &Stage, version: &str) -> (Kept, Answer) {
    let words = format!("-{version} -sess_in {}", session(stage, version));
    let mut kept = Kept::open(stage.address, "known", &words);
    let answer = of_head(kept.get(PATH).await);
    (kept, answer)
}

/// Takes up what is remembered: no certificate is shown.
async fn take_up(stage: &Stage, version: &str) -> (Kept, Answer) {
    let (kept, answer) = offer(stage, version).await;
    assert!(kept.is_resumed(), "{version}: a handshake of its own");
    (kept, answer)
}

impl Open {
    async fn of(stage: &Stage) -> Self {
        let mut kept: Vec<_> = VERSIONS
            .iter()
            .map(|version| Kept::open(stage.address, "known", &format!("-{version}")))
            .collect();
        remember(stage).await;
        for version in VERSIONS {
            kept.push(take_up(stage, version).await.0);
        }
        Self { kept, shared: two::connect(stage.address, "known").await }
    }

    /// One request over each.
    async fn ask(&mut self) -> Vec<Answer> {
        let mut answers = Vec::new();
        for kept in &mut self.kept {
            answers.push(of_head(kept.get(PATH).await));
        }
        let request = hyper::Request::get(format!("https://localhost{PATH}")).body(()).unwrap();
        let (answer, _) = self.shared.send_request(request, true).unwrap();
        let answer = answer.await.unwrap();
        let code = answer.headers().get("sceau-code").map(|code| code.to_str().unwrap().to_owned());
        answers.push((answer.status().as_str().to_owned(), code.unwrap_or_default()));
        answers
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_request_of_a_revoked_client_is_refused_after_one_second() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clients.crl");
    publish(&file, &List::of_clients("01", &["revoked"]).make());
    let lists = [format!("{}/root.crl", chain().display()), "clients.crl".to_owned()];
    let stage = Stage::with(folder, |upstream| usual(upstream, &lists)).await;
    let mut open = Open::of(&stage).await;
    let pass: Answer = ("200".to_owned(), String::new());
    let refused: Answer = ("401".to_owned(), "certificate_revoked".to_owned());
    // Several times, so that no moment at which the gate happens to look is the test's luck.
    let named: [&[&str]; 4] = [&["known"], &["revoked"], &["revoked", "known"], &["revoked"]];
    let made: Vec<_> = (2..)
        .zip(named)
        .map(|(number, named)| List::of_clients(&format!("{number:02}"), named).make())
        .collect();
    assert_eq!(open.ask().await, vec![pass.clone(); 5]);
    for (list, named) in made.iter().zip(named) {
        let expected = if named.contains(&"known") { &refused } else { &pass };
        if expected == &refused {
            remember(&stage).await;
        }
        publish(&file, list);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(open.ask().await, vec![expected.clone(); 5], "{named:?}");
        if expected == &refused {
            for version in VERSIONS {
                assert_eq!(&take_up(&stage, version).await.1, expected, "{version}, taken up after that");
            }
        }
    }
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_request_of_whom_a_rule_no_longer_names_is_refused() {
    let stage = Stage::set().await;
    let mut open = Open::of(&stage).await;
    let pass: Answer = ("200".to_owned(), String::new());
    let refused: Answer = ("403".to_owned(), "client_unknown".to_owned());
    let lists = ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()));
    let good = usual(stage.upstream, &lists);
    let other = good.replace("common_name = \"sas-agregateur-recette\"", "common_name = \"another\"");
    assert_eq!(open.ask().await, vec![pass.clone(); 5]);
    for (text, expected) in [(&other, &refused), (&good, &pass), (&other, &refused)] {
        if expected == &refused {
            remember(&stage).await;
        }
        stage.write(text);
        stage.reload.ask().await.unwrap();
        assert_eq!(open.ask().await, vec![expected.clone(); 5]);
        // Sessions of before the file was read are not taken up, and help nobody.
        for version in VERSIONS.iter().filter(|_| expected == &refused) {
            assert_eq!(&offer(&stage, version).await.1, expected, "{version}, offered after that");
        }
    }
    drop(stage.stop().await);
}
