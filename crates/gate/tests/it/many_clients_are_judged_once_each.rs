//! What many clients cost, each with a certificate of its own, beside a short list and a long one: one verdict each for one state of the lists, however many they
//! are, however often they call and however long the list is. Counted, not timed; how few numbers of a list a verdict looks at is counted in `sceau-pki`
//! (`revocation/serials.rs`).

use std::{fmt::Write as _, fs, path::Path, time::Instant};

use bytes::Bytes;
use h2::client::SendRequest;

use crate::{
    lists::publish,
    outside::{Stage, chain, run, usual},
    two,
    what_a_gate_does_is_seen::{look, sample},
    workshop::Workshop,
};

const CLIENTS: usize = 200;
const LONG: usize = 30_000;

/// A list of the clients' authority that names this one, if any, and so many others, by OpenSSL.
fn list(number: &str, named: Option<&Path>, others: usize) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (at, chain) = (folder.path(), chain().display());
    let mut index = String::new();
    let mut line =
        |serial: &str| writeln!(index, "R\t351101000000Z\t261101000000Z\t{serial}\tunknown\t/CN=x").unwrap();
    (0..others).for_each(|nth| line(&format!("0A{nth:038X}")));
    if let Some(named) = named {
        let serial = run(at, "openssl", &format!("x509 -in {} -noout -serial", named.display()));
        line(serial.trim().trim_start_matches("serial="));
    }
    let settings = "[ca]\ndefault_ca=a\n[a]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\n";
    for (file, text) in [("index", index.as_str()), ("number", number), ("ca.cnf", settings)] {
        fs::write(at.join(file), text).unwrap();
    }
    let keys = format!("-cert {chain}/authority.pem -keyfile {chain}/authority.key");
    run(at, "openssl", &format!("ca -config ca.cnf -gencrl {keys} -crldays 7 -out list.pem"));
    fs::read(at.join("list.pem")).unwrap()
}

async fn metrics(stage: &Stage) -> String {
    look(stage.observed.unwrap(), "/metrics", "").await
}

/// Puts a list in its place and waits until it is in use: so many certificates are on it.
async fn swap(stage: &Stage, list: &[u8], entries: usize) {
    publish(&stage.folder().join("clients.crl"), list);
    let since = Instant::now();
    let is_there =
        |line: &str| line.starts_with("sceau_gate_list_entries{") && line.ends_with(&format!(" {entries}"));
    while !metrics(stage).await.lines().any(is_there) {
        assert!(since.elapsed().as_secs() < 60, "the list is not used");
    }
}

/// How many of them pass, each asked once.
async fn ask(clients: &mut [SendRequest<Bytes>]) -> usize {
    let mut passing = 0;
    for client in clients {
        let request = hyper::Request::get("https://localhost/mtls-protect/a").body(()).unwrap();
        let (answer, _) = client.send_request(request, true).unwrap();
        passing += usize::from(answer.await.unwrap().status() == 200);
    }
    passing
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_clients_cost_as_many_verdicts_beside_a_short_list_as_beside_a_long_one() {
    let (workshop, folder) = (Workshop::open(), tempfile::tempdir().unwrap());
    let authority = chain().join("authority").display().to_string();
    publish(&folder.path().join("clients.crl"), &list("01", None, 0));
    let lists = [format!("{}/root.crl", chain().display()), "clients.crl".to_owned()];
    let stage =
        Stage::with(folder, |upstream| usual(upstream, &lists) + "[observe]\naddress = \"127.0.0.1:0\"\n")
            .await;
    let mut clients = Vec::new();
    for nth in 0..CLIENTS {
        let (file, name) =
            (format!("client{nth}"), "C=FR\nO=X\nOU=499700234190004\nCN=sas-agregateur-recette");
        workshop.client(&file, name, &authority, "");
        let [certificate, key] = workshop.files(&file);
        clients.push(two::over(two::tls_of(stage.address, &certificate, &key).await).await);
    }
    let last = workshop.files(&format!("client{}", CLIENTS - 1));
    let counted = async |stage: &Stage| {
        let said = metrics(stage).await;
        let begin = "sceau_gate_verdict_lookups_total{clients=\"recette\",result=";
        ["judged", "remembered"].map(|result| sample(&said, &format!("{begin}\"{result}\"}}")))
    };
    assert_eq!(counted(&stage).await, [0.0; 2], "nobody called");
    let (each, mut refused) = (CLIENTS as f64, 0);
    let long = [list("02", None, LONG), list("03", Some(&last[0]), LONG), list("04", None, 1)];
    for (state, (list, entries, passing)) in [
        (None, 0, CLIENTS),
        (Some(&long[0]), LONG, CLIENTS),
        (Some(&long[1]), LONG + 1, CLIENTS - 1),
        (Some(&long[2]), 1, CLIENTS),
    ]
    .into_iter()
    .enumerate()
    {
        if let Some(list) = list {
            swap(&stage, list, entries).await;
        }
        for _ in 0..3 {
            assert_eq!(ask(&mut clients).await, passing, "of a list of {entries}");
        }
        let lookups = each * 3.0 * (state as f64 + 1.0);
        let [judged, remembered] = counted(&stage).await;
        assert!((judged + remembered - lookups).abs() < f64::EPSILON, "{judged} + {remembered}");
        // A refusal is remembered for seconds alone, which a slow machine may need here.
        refused += 2 * (CLIENTS - passing);
        let more = judged - lookups / 3.0;
        assert!((0.0..=refused as f64).contains(&more), "{judged} verdicts beside a list of {entries}");
    }
    drop(stage.stop().await);
}
