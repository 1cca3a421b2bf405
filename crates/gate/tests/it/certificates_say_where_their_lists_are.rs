//! Lists are fetched where certificates of OpenSSL say that they are, at hosts that the file allows: from nginx, and from a server that counts its questions.

use std::{fs, net::SocketAddr, path::Path, process::Command, time::Instant};

use tempfile::TempDir;

use crate::{
    lists::{Publisher, publish},
    others::Server,
    outside::{Stage, run, usual},
};

const SUBJECT: &str = "/C=FR/O=X/OU=499700234190004/CN=sas-agregateur-recette";
const CLIENT: &str = "keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\ncertificatePolicies=1.2.250.1.71.1.2.50\n\
    1.2.250.1.71.1.2.2=ASN1:UTF8String:a\n";
const POLICY: &str = "certificatePolicies=1.2.250.1.71.1.2.50\n";
const KIND: &str = "1.2.250.1.71.1.2.2=ASN1:UTF8String:a\n";
/// Both, as a table of clients demands them.
const DEMANDED: &str =
    "policies = [\"1.2.250.1.71.1.2.50\"]\ntypes = [{ extension = \"1.2.250.1.71.1.2.2\", text = \"a\" }]\n";
const AUTHORITY: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";

/// Certificates and lists of a test's own.
struct Own(TempDir);

impl Own {
    /// A root, and its list as `root.crl`; an authority below it, whose list is published at these places.
    fn with(root_list: &str) -> Self {
        let own = Self(tempfile::tempdir().unwrap());
        own.make("root", None, "/CN=root", AUTHORITY);
        own.make("authority", Some("root"), "/CN=authority", &format!("{AUTHORITY}{}", points(&[root_list])));
        own
    }

    fn at(&self) -> &Path {
        self.0.path()
    }

    fn make(&self, name: &str, by: Option<&str>, subject: &str, extensions: &str) {
        fs::write(self.at().join("extensions"), extensions).unwrap();
        let words = "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        run(self.at(), "openssl", &format!("{words} -subj {subject} -keyout {name}.key -out {name}.csr"));
        let by = match by {
            Some(by) => format!("-CA {by}.pem -CAkey {by}.key -CAcreateserial"),
            None => format!("-signkey {name}.key"),
        };
        let words = format!("x509 -req -in {name}.csr {by} -days 30 -extfile extensions -out {name}.pem");
        run(self.at(), "openssl", &words);
    }

    fn client(&self, name: &str, places: &[&str]) {
        self.make(name, Some("authority"), SUBJECT, &format!("{CLIENT}{}", points(places)));
    }

    /// The DER of an authority's list, which holds for a week.
    fn list(&self, authority: &str, number: &str, revoked: &[&str]) -> Vec<u8> {
        self.dated(authority, number, revoked, "-crldays 7")
    }

    /// The same of a list that ended an hour ago.
    fn ended(&self, authority: &str, number: &str) -> Vec<u8> {
        let moment =
            |text: &str| run(self.at(), "date", &format!("-u -d {text} +%Y%m%d%H%M%SZ")).trim().to_owned();
        let dates = format!("-crl_lastupdate {} -crl_nextupdate {}", moment("-2days"), moment("-1hour"));
        self.dated(authority, number, &[], &dates)
    }

    fn dated(&self, authority: &str, number: &str, revoked: &[&str], dates: &str) -> Vec<u8> {
        let line = |name: &&str| {
            let serial = run(self.at(), "openssl", &format!("x509 -in {name}.pem -noout -serial"));
            let serial = serial.trim().trim_start_matches("serial=").to_owned();
            format!("R\t351101000000Z\t261101000000Z\t{serial}\tunknown\t/CN={name}\n")
        };
        let write = |name: &str, text: &str| fs::write(self.at().join(name), text).unwrap();
        write("index", &revoked.iter().map(line).collect::<String>());
        write("number", &format!("{number}\n"));
        write("ca.cnf", "[ca]\ndefault_ca=a\n[a]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\n");
        let keys = format!("-cert {authority}.pem -keyfile {authority}.key");
        run(self.at(), "openssl", &format!("ca -config ca.cnf -gencrl {keys} -out list.pem {dates}"));
        run(self.at(), "openssl", "crl -in list.pem -out list -outform DER");
        fs::read(self.at().join("list")).unwrap()
    }

    fn shown(&self, name: &str) -> String {
        let at = self.at().display();
        format!("--cert {at}/{name}.pem --key {at}/{name}.key")
    }

    /// The usual file with these authorities, and these lines for their lists.
    fn text(&self, upstream: SocketAddr, lists: &str) -> String {
        let at = self.at().display();
        let text = usual(upstream, &[]).replace("revocation_lists = []\n", lists);
        let (before, after) = text.split_once("[clients.recette]\n").unwrap();
        let after = after.replace(&format!("{}/", crate::outside::chain().display()), &format!("{at}/"));
        format!("{before}[clients.recette]\n{after}")
    }
}

fn points(places: &[&str]) -> String {
    let places: Vec<_> = places.iter().map(|place| format!("URI:{place}")).collect();
    if places.is_empty() { String::new() } else { format!("crlDistributionPoints={}\n", places.join(",")) }
}

fn allowing(hosts: &[String]) -> String {
    format!("distribution_points = {hosts:?}\n")
}

async fn code(stage: &Stage, words: &str) -> String {
    let answer = stage.curl("/mtls-protect/a", words).await;
    let code = answer.lines().find_map(|line| line.strip_prefix("sceau-code: "));
    code.map_or_else(|| answer.split_whitespace().nth(1).unwrap().to_owned(), str::to_owned)
}

/// Asks until the answer has this code, which is the status where there is none.
async fn becomes(stage: &Stage, words: &str, wanted: &str) {
    let since = Instant::now();
    loop {
        let said = code(stage, words).await;
        if said == wanted {
            return;
        }
        assert_eq!(said, "certificate_revocation_unknown", "before {wanted}");
        assert!(since.elapsed().as_secs() < 30, "{wanted} does not come");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

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
    let since = Instant::now();
    loop {
        let said = code(&stage, &own.shown("known")).await;
        if said == "certificate_revoked" {
            break;
        }
        assert_eq!(said, "200", "the list in use stays until another comes");
        assert!(since.elapsed().as_secs() < 30, "the new list does not come");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
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
    let since = Instant::now();
    while publisher.asked().len() < 16 {
        for who in &greedy {
            assert_eq!(code(&stage, &own.shown(who)).await, "certificate_revocation_unknown");
        }
        assert!(since.elapsed().as_secs() < 30, "{:?}", publisher.asked().len());
    }
    assert_eq!(code(&stage, &own.shown("greedy9")).await, "certificate_revocation_unknown");
    let mut asked: Vec<_> =
        publisher.asked().iter().filter_map(|head| head.split(' ').nth(1).map(str::to_owned)).collect();
    asked.sort();
    asked.dedup();
    assert!(asked.iter().all(|place| place.ends_with("-0.crl") || place.ends_with("-1.crl")), "{asked:?}");
    assert_eq!(asked.len(), 16, "so many places and no more");
    drop(stage.stop().await);
}

/// A gate whose file names the lists of both authorities, of which that of clients ended, and these lines besides.
fn with_an_ended_list(own: &Own, publisher: &Publisher, besides: &str) -> String {
    fs::write(own.at().join("root.crl"), own.list("root", "01", &[])).unwrap();
    publish(&own.at().join("authority.crl"), &own.ended("authority", "01"));
    let [root, authority] = ["root", "authority"].map(|name| own.at().join(format!("{name}.crl")));
    format!(
        "revocation_lists = [{root:?}, {authority:?}]\n{}{besides}",
        allowing(&[publisher.address.to_string()])
    )
}

/// Asks until its place said that this one was taken back; until then, the answer is another.
async fn taken_back(stage: &Stage, words: &str, before: &str) {
    let since = Instant::now();
    loop {
        let said = code(stage, words).await;
        if said == "certificate_revoked" {
            return;
        }
        assert_eq!(said, before);
        assert!(since.elapsed().as_secs() < 30, "the list does not come");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_list_on_the_disk_takes_back_does_not_pass_unchecked_first() {
    let own = Own::with("http://127.0.0.1:9/root.crl");
    let publisher = Publisher::open(Vec::new()).await;
    own.client("revoked", &[&format!("http://{}/clients.crl", publisher.address)]);
    publisher.says(Publisher::good(&own.list("authority", "02", &["revoked"]), "one"));
    let open = "fail_open = { maximum_age = \"48h\", journal = \"unchecked.jsonl\" }\n";
    let lists = with_an_ended_list(&own, &publisher, open);
    let text = |upstream| own.text(upstream, &lists);
    let stage = Stage::with(tempfile::tempdir().unwrap(), text).await;
    taken_back(&stage, &own.shown("revoked"), "200").await;
    let folder = stage.stop().await;
    publisher.close().await;
    let journal = || fs::read_to_string(folder.path().join("unchecked.jsonl")).unwrap();
    let before = journal();
    let stage = Stage::with(tempfile::tempdir().unwrap(), |upstream| {
        text(upstream) + &format!("[lists]\ncache = {:?}\n", folder.path().join("cache"))
    });
    let stage = stage.await;
    assert_eq!(code(&stage, &own.shown("revoked")).await, "certificate_revoked", "the first request");
    assert_eq!(journal(), before);
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_reading_of_the_file_remembers_whom_a_place_took_back() {
    let own = Own::with("http://127.0.0.1:9/root.crl");
    let publisher = Publisher::open(Vec::new()).await;
    own.client("revoked", &[&format!("http://{}/clients.crl", publisher.address)]);
    publisher.says(Publisher::good(&own.list("authority", "03", &["revoked"]), "one"));
    let lists = with_an_ended_list(&own, &publisher, "");
    let stage = Stage::with(tempfile::tempdir().unwrap(), |upstream| own.text(upstream, &lists)).await;
    taken_back(&stage, &own.shown("revoked"), "certificate_revocation_unknown").await;
    // An older one is offered where the file names it, and speaks well of everybody.
    publish(&own.at().join("authority.crl"), &own.list("authority", "02", &[]));
    publisher.close().await;
    for _ in 0..2 {
        stage.reload.ask().await.unwrap();
        assert_eq!(code(&stage, &own.shown("revoked")).await, "certificate_revoked");
    }
    own.client("known", &[]);
    assert_eq!(code(&stage, &own.shown("known")).await, "200", "the file's list is in use");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_of_one_caller_that_gives_nothing_is_no_trouble_of_others() {
    let own = Own::with("http://127.0.0.1:9/root.crl");
    let publisher = Publisher::open(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec()).await;
    own.client("known", &[]);
    own.make("beside", Some("root"), "/CN=beside", AUTHORITY);
    let dead = points(&[&format!("http://{}/none.crl", publisher.address)]);
    own.make("lone", Some("beside"), SUBJECT, &format!("{CLIENT}{dead}"));
    let [lone, beside] =
        ["lone", "beside"].map(|name| fs::read_to_string(own.at().join(format!("{name}.pem"))).unwrap());
    fs::write(own.at().join("lone.pem"), lone + &beside).unwrap();
    let lists = with_an_ended_list(&own, &publisher, "");
    fs::write(own.at().join("authority.crl"), own.list("authority", "02", &[])).unwrap();
    let text = |upstream| own.text(upstream, &lists).replace("issuer = ", "# ");
    let stage = Stage::with(tempfile::tempdir().unwrap(), text).await;
    assert_eq!(code(&stage, &own.shown("lone")).await, "certificate_revocation_unknown");
    let check = stage.curl("/mtls-protect/check", &own.shown("known")).await;
    assert!(check.contains(" 200"), "{check}");
    // Once it gave a list, that one is missed where it ended.
    publisher.says(Publisher::good(&own.ended("beside", "01"), "one"));
    stage.reload.ask().await.unwrap();
    let since = Instant::now();
    while !stage.curl("/mtls-protect/check", &own.shown("known")).await.contains(" 503") {
        assert!(since.elapsed().as_secs() < 30, "{:?}", publisher.asked());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
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
    let since = Instant::now();
    while publisher.asked().len() < 2 {
        assert_eq!(code(&stage, &own.shown("sent")).await, "certificate_revocation_unknown");
        assert!(since.elapsed().as_secs() < 30);
    }
    publisher.says(Publisher::good(&own.list("between", "01", &[]), "between"));
    stage.reload.ask().await.unwrap();
    becomes(&stage, &own.shown("sent"), "200").await;
    drop(stage.stop().await);
}

/// Authorities ask for one question a day.
#[tokio::test(flavor = "multi_thread")]
async fn each_place_is_asked_once_whoever_follows_it() {
    let own = Own::with("http://127.0.0.1:9/root.crl");
    let publisher = Publisher::open(Vec::new()).await;
    let place = format!("http://{}/clients.crl", publisher.address);
    own.client("known", &[&place]);
    publisher.says(Publisher::good(&own.list("authority", "01", &[]), "one"));
    fs::write(own.at().join("root.crl"), own.list("root", "01", &[])).unwrap();
    let named = |also: &str| {
        format!(
            "revocation_lists = [\"{}/root.crl\"{also}]\n{}",
            own.at().display(),
            allowing(&[publisher.address.to_string()])
        )
    };
    let two = |upstream: SocketAddr| {
        let text = own.text(upstream, &named(""));
        let (before, clients) = text.split_once("[clients.recette]\n").unwrap();
        let route = format!(
            "[[listener.route]]\npath = \"/two/\"\nupstream = \"http://{upstream}\"\nclients = \"two\"\n"
        );
        let second = clients.replace("clients.recette", "clients.two");
        format!("{before}{route}[clients.recette]\n{clients}[clients.two]\n{second}")
    };
    let stage = Stage::with(tempfile::tempdir().unwrap(), two).await;
    becomes(&stage, &own.shown("known"), "200").await;
    let second = stage.curl("/two/a", &own.shown("known")).await;
    assert!(second.contains(" 200"), "it has the list that the other table had fetched: {second}");
    assert_eq!(publisher.asked().len(), 1, "{:?}", publisher.asked());
    drop(stage.stop().await);
    // What the table names itself is not followed again because a certificate names it too, while its list is not there.
    publisher.says(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec());
    let observe = "[observe]\naddress = \"127.0.0.1:0\"\n";
    let both = |upstream| own.text(upstream, &named(&format!(", \"{place}\""))) + observe;
    let stage = Stage::with(tempfile::tempdir().unwrap(), both).await;
    assert_eq!(code(&stage, &own.shown("known")).await, "certificate_revocation_unknown");
    let state = stage.call(&format!("http://{}/state.json", stage.observed.unwrap())).await;
    let followed = state.matches(&format!("\"source\":\"{place}\"")).count();
    assert_eq!(followed, 1, "{state}");
    let since = Instant::now();
    while publisher.asked().len() < 2 {
        assert!(since.elapsed().as_secs() < 30);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    publisher.says(Publisher::good(&own.list("authority", "01", &[]), "one"));
    stage.reload.ask().await.unwrap();
    becomes(&stage, &own.shown("known"), "200").await;
    assert_eq!(publisher.asked().len(), 3, "{:?}", publisher.asked());
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
