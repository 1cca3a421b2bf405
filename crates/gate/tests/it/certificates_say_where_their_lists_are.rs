//! Lists are fetched where certificates of OpenSSL say that they are, at hosts that the file allows: from nginx, and from a server that counts its questions.

use std::{fs, net::SocketAddr, process::Command};

use crate::{
    lists::{Publisher, publish},
    others::Server,
    outside::{Stage, until},
    own::{AUTHORITY, CLIENT, DEMANDED, KIND, Own, POLICY, SUBJECT, allowing, becomes, code, points, turns},
};

#[tokio::test(flavor = "multi_thread")]
async fn nginx_publishes_what_certificates_name_and_a_restart_without_it_judges_as_before() {
    let site = tempfile::tempdir().unwrap();
    let root = site.path().join("site");
    fs::create_dir(&root).unwrap();
    let serves = format!("server {{ listen 127.0.0.1:PORT; root {}; }}\n", root.display());
    let (nginx, port) = Server::nginx(site.path(), &serves);
    let base = format!("http://127.0.0.1:{port}");
    let own = Own::with(&format!("{base}/root.crl"));
    let place = format!("{base}/clients.crl");
    let places = ["ldap://127.0.0.1:9/cn=x", "https://127.0.0.1:9/clients.crl", &place];
    own.client("known", &places);
    own.client("revoked", &places);
    publish(&root.join("root.crl"), &own.list("root", "01", &[]));
    let hosts = allowing(&[format!("127.0.0.1:{port}")]);
    let observe = "[observe]\naddress = \"127.0.0.1:0\"\n";
    let text = |upstream| own.text(upstream, &hosts) + observe;
    let stage = Stage::with(tempfile::tempdir().unwrap(), text).await;
    // Nobody passes before its list is there, nor while nginx has none.
    assert_eq!(code(&stage, &own.shown("known")).await, "certificate_revocation_unknown");
    let answer = stage.curl("/mtls-protect/a", &own.shown("known")).await;
    assert!(answer.contains(" 401") && answer.contains("FAILED:unable to get certificate CRL"), "{answer}");
    publish(&root.join("clients.crl"), &own.list("authority", "01", &["revoked"]));
    stage.reload.ask().await.unwrap();
    becomes(&stage, &own.shown("known"), "200").await;
    assert_eq!(code(&stage, &own.shown("revoked")).await, "certificate_revoked");
    let check = stage.curl("/mtls-protect/check", &own.shown("known")).await;
    assert!(check.contains(" 200"), "{check}");
    let metrics = stage.call(&format!("http://{}/metrics", stage.observed.unwrap())).await;
    assert!(metrics.contains(&format!("sceau_gate_list_current{{source=\"{place}\"")), "{metrics}");
    // Another reading of the file forgets nothing, and fetches anew where it is asked for.
    publish(&root.join("clients.crl"), &own.list("authority", "02", &["revoked", "known"]));
    stage.reload.ask().await.unwrap();
    // The list in use stays until another comes.
    turns(&stage, &own.shown("known"), "200", "certificate_revoked").await;
    let folder = stage.stop().await;
    drop(nginx);
    own.client("later", &places);
    let stage = Stage::with(folder, text).await;
    assert_eq!(code(&stage, &own.shown("later")).await, "200", "by the lists on the disk, at once");
    assert_eq!(code(&stage, &own.shown("known")).await, "certificate_revoked");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_has_the_gate_call_an_address_of_his_choice() {
    let own = Own::with("http://127.0.0.1:9/root.crl");
    let [allowed, forbidden] = [Publisher::open(Vec::new()).await, Publisher::open(Vec::new()).await];
    let at = |publisher: &Publisher, path: &str| format!("http://{}{path}", publisher.address);
    let (good, bad) = (at(&allowed, "/clients.crl"), at(&forbidden, "/clients.crl"));
    allowed.says(Publisher::good(&own.list("authority", "01", &[]), "one"));
    forbidden.says(Publisher::good(&own.list("authority", "01", &[]), "one"));
    own.client("elsewhere", &[&bad]);
    // The same under a name that is not the one allowed, and with somebody before the host.
    let disguised = good.replace("127.0.0.1", "localhost");
    own.client("disguised", &[&disguised, &good.replace("http://", &format!("http://{}@", allowed.address))]);
    own.make("impostor", None, "/CN=authority", AUTHORITY);
    own.make("beside", Some("root"), "/CN=beside", AUTHORITY);
    let [purpose, policy, kind] = ["extendedKeyUsage=clientAuth\n", POLICY, KIND];
    let whole = format!("{purpose}{policy}{kind}");
    for (who, by, subject, extensions) in [
        ("unknown", Some("authority"), "/CN=nobody", whole.clone()),
        ("forged", Some("impostor"), SUBJECT, whole.clone()),
        ("below", None, SUBJECT, whole.clone()),
        // Of another authority below the same anchor.
        ("sibling", Some("beside"), SUBJECT, whole.clone()),
        ("other", Some("authority"), SUBJECT, whole.replace("clientAuth", "serverAuth")),
        ("under-none", Some("authority"), SUBJECT, format!("{purpose}{kind}")),
        ("of-none", Some("authority"), SUBJECT, format!("{purpose}{policy}")),
    ] {
        let place = at(&allowed, &format!("/{who}.crl"));
        own.make(who, by, subject, &format!("{extensions}{}", points(&[&place])));
    }
    let [sibling, beside] =
        ["sibling", "beside"].map(|name| fs::read_to_string(own.at().join(format!("{name}.pem"))).unwrap());
    fs::write(own.at().join("sibling.pem"), sibling + &beside).unwrap();
    fs::write(own.at().join("root.crl"), own.list("root", "01", &[])).unwrap();
    let lists = format!(
        "{DEMANDED}revocation_lists = [\"{}/root.crl\"]\n{}",
        own.at().display(),
        allowing(&[allowed.address.to_string()])
    );
    let stage = Stage::with(tempfile::tempdir().unwrap(), |upstream| own.text(upstream, &lists)).await;
    for (who, said) in [
        ("elsewhere", "certificate_revocation_unknown"),
        ("disguised", "certificate_revocation_unknown"),
        ("unknown", "certificate_revocation_unknown"),
        ("under-none", "certificate_revocation_unknown"),
        ("of-none", "certificate_revocation_unknown"),
        ("sibling", "certificate_revocation_unknown"),
        ("other", "certificate_wrong_purpose"),
        ("forged", "certificate_bad_signature"),
        ("below", "certificate_untrusted"),
    ] {
        assert_eq!(code(&stage, &own.shown(who)).await, said, "{who}");
    }
    // Whoever may has it called, so all that came before has had its time.
    own.client("known", &[&good]);
    becomes(&stage, &own.shown("known"), "200").await;
    assert_eq!(forbidden.asked(), Vec::<String>::new());
    assert_eq!(allowed.asked().len(), 1, "once, for the one who may: {:?}", allowed.asked());
    assert!(allowed.asked()[0].starts_with("get /clients.crl "), "{:?}", allowed.asked());
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_from_a_place_is_verified_and_the_places_are_few() {
    let own = Own::with("http://127.0.0.1:9/root.crl");
    let publisher = Publisher::open(Vec::new()).await;
    // By a namesake of the authority.
    own.make("impostor", None, "/CN=authority", AUTHORITY);
    publisher.says(Publisher::good(&own.list("impostor", "05", &[]), "false"));
    let greedy: Vec<_> = (0..10).map(|nth| format!("greedy{nth}")).collect();
    for who in &greedy {
        let places: Vec<_> =
            (0..4).map(|nth| format!("http://{}/{who}-{nth}.crl", publisher.address)).collect();
        own.client(who, &places.iter().map(String::as_str).collect::<Vec<_>>());
    }
    fs::write(own.at().join("root.crl"), own.list("root", "01", &[])).unwrap();
    let lists = format!(
        "revocation_lists = [\"{}/root.crl\"]\n{}",
        own.at().display(),
        allowing(&[publisher.address.to_string()])
    );
    let stage = Stage::with(tempfile::tempdir().unwrap(), |upstream| own.text(upstream, &lists)).await;
    until("the last question", async || {
        for who in &greedy {
            assert_eq!(code(&stage, &own.shown(who)).await, "certificate_revocation_unknown");
        }
        publisher.asked().len() >= 16
    })
    .await;
    assert_eq!(code(&stage, &own.shown("greedy9")).await, "certificate_revocation_unknown");
    let mut asked: Vec<_> =
        publisher.asked().iter().filter_map(|head| head.split(' ').nth(1).map(str::to_owned)).collect();
    asked.sort();
    asked.dedup();
    assert!(asked.iter().all(|place| place.ends_with("-0.crl") || place.ends_with("-1.crl")), "{asked:?}");
    assert_eq!(asked.len(), 16, "so many places and no more");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_the_client_sends_has_its_list_where_it_says() {
    let own = Own::with("http://127.0.0.1:9/root.crl");
    let publisher = Publisher::open(Vec::new()).await;
    let place = |path: &str| format!("http://{}{path}", publisher.address);
    own.make(
        "between",
        Some("root"),
        "/CN=between",
        &format!("{AUTHORITY}{}", points(&[&place("/both.crl")])),
    );
    own.make("sent", Some("between"), SUBJECT, &format!("{CLIENT}{}", points(&[&place("/both.crl")])));
    let [leaf, above] =
        ["sent", "between"].map(|name| fs::read_to_string(own.at().join(format!("{name}.pem"))).unwrap());
    fs::write(own.at().join("sent.pem"), leaf + &above).unwrap();
    // One address for the lists of two authorities, of which it has one at a time.
    publisher.says(Publisher::good(&own.list("root", "01", &[]), "root"));
    let text = |upstream| {
        let text = own.text(upstream, &allowing(&[publisher.address.to_string()]));
        text.lines().filter(|line| !line.starts_with("issuer")).map(|line| format!("{line}\n")).collect()
    };
    let stage = Stage::with(tempfile::tempdir().unwrap(), text).await;
    until("the question of both", async || {
        assert_eq!(code(&stage, &own.shown("sent")).await, "certificate_revocation_unknown");
        publisher.asked().len() >= 2
    })
    .await;
    publisher.says(Publisher::good(&own.list("between", "01", &[]), "between"));
    stage.reload.ask().await.unwrap();
    becomes(&stage, &own.shown("sent"), "200").await;
    drop(stage.stop().await);
}

#[test]
fn hosts_are_checked_before_anything_is_used() {
    let own = Own::with("http://127.0.0.1:9/root.crl");
    let upstream: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let file = own.at().join("gate.toml");
    for (lists, said) in [
        ("distribution_points = []\n", Some("name the hosts at which lists may be fetched")),
        ("distribution_points = [\"http://a\"]\n", Some("clients.recette, distribution_points: write hosts")),
        ("distribution_points = [\"a/b\"]\n", Some("write hosts")),
        ("distribution_points = [\"lists.example\"]\n", None),
    ] {
        fs::write(&file, own.text(upstream, lists)).unwrap();
        let out =
            Command::new(env!("CARGO_BIN_EXE_sceau-gate")).args(["check", "--config"]).arg(&file).output();
        let out = out.unwrap();
        let words = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
        assert_eq!(out.status.code(), Some(if said.is_some() { 3 } else { 0 }), "{words}");
        assert!(said.is_none_or(|said| words.contains(said)), "{words}");
    }
}
