//! A table of clients that names a profile says little, and is held to it.

use std::{fs, net::SocketAddr, path::Path};

use sceau_gate::{Language, Plan};

use crate::{
    balancers_say_whom_they_carry::balancer,
    kept::Kept,
    lists::Publisher,
    outside::{Stage, chain, run},
};

/// The authorities under the names of the profile's files, in a folder of their own.
pub(crate) fn authorities() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = chain().display();
    for (of, file) in [("root", "ACR-EL-TEST.cer"), ("authority", "ACI-EL-ORG-TEST.cer")] {
        run(folder.path(), "openssl", &format!("x509 -in {at}/{of}.pem -outform DER -out {file}"));
    }
    folder
}

/// The shipped profile with its lists at another address.
fn profile(folder: &Path, lists: SocketAddr) {
    let shipped =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../pki/profiles/sas.toml")).unwrap();
    let ours = shipped.replace("http://igc-sante.esante.gouv.fr/CRL/", &format!("http://{lists}/"));
    assert_ne!(ours, shipped);
    fs::write(folder.join("ours.toml"), ours).unwrap();
}

/// A gate before this service, whose clients are these.
fn gate(upstream: SocketAddr, clients: &str) -> String {
    let chain = chain().display();
    format!(
        r#"
[[listener]]
address = "127.0.0.1:0"
certificate = "{chain}/server.pem"
key = "{chain}/server.key"
proxies = ["127.0.0.1"]
[[listener.route]]
upstream = "http://{upstream}"
clients = "sas"
[clients.sas]
{clients}
"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn two_environments_share_an_address_and_each_calls_from_its_own() {
    let folder = authorities();
    let lists = ["root", "authority"].map(|name| fs::read(chain().join(format!("{name}.crl"))).unwrap());
    let publisher = Publisher::open(Publisher::good(&lists.concat(), "1")).await;
    profile(folder.path(), publisher.address);
    let clients = "profile = \"ours.toml\"\nenvironment = [\"recette\", \"preproduction\"]";
    let stage = Stage::with(folder, |upstream| gate(upstream, clients)).await;
    for (client, from, status, code) in [
        ("known", "51.91.149.173", "200", ""),
        ("known", "37.59.26.69", "403", "address_not_allowed"),
        ("known", "51.68.88.222", "403", "address_not_allowed"),
        ("unknown", "51.91.149.173", "403", "client_unknown"),
        ("direct", "51.91.149.173", "401", "certificate_wrong_issuer"),
        ("revoked", "51.91.149.173", "401", "certificate_revoked"),
    ] {
        let header = format!("PROXY TCP4 {from} 127.0.0.1 56324 443\r\n").into_bytes();
        let through = balancer(stage.address, header).await;
        let mut answer = Kept::open(through, client, "").get("/").await;
        while answer.1.contains("certificate_revocation_unknown") {
            // The lists are on their way.
            answer = Kept::open(through, client, "").get("/").await;
        }
        assert!(answer.0 == status && answer.1.contains(code), "{client} from {from}: {}", answer.1);
    }
    let asked = publisher.asked().concat();
    assert!(asked.contains("/acr-el-test.crl") && asked.contains("/aci-el-org-test.crl"), "{asked}");
    assert!(!asked.contains("/acr-el.crl"), "production's are not needed: {asked}");
    publisher.close().await;
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_beside_a_profile_counts_or_is_refused() {
    let folder = authorities();
    let crl = |name| chain().join(format!("{name}.crl")).display().to_string();
    let lists = format!("revocation_lists = [{:?}, {:?}]\n", crl("root"), crl("authority"));
    let sas = "profile = \"sas\"\n";
    let recette = "environment = \"recette\"\n";
    // Two environments under one name, each at addresses of its own.
    let shipped =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../pki/profiles/sas.toml")).unwrap();
    let [one, other] = ["recette", "preproduction"].map(|id| {
        let (_, after) = shipped.split_once(&format!("id = \"{id}\"")).unwrap();
        after.lines().find(|line| line.starts_with("subject = ")).unwrap()
    });
    fs::write(folder.path().join("twins.toml"), shipped.replace(other, one)).unwrap();
    let twins = format!("profile = \"twins.toml\"\n{lists}");
    let foreign = tempfile::NamedTempFile::new_in(folder.path()).unwrap();
    run(
        folder.path(),
        "openssl",
        &format!(
            "req -x509 -newkey rsa:2048 -nodes -keyout foreign.key -subj /CN=TEST -out {}",
            foreign.path().display()
        ),
    );
    for (clients, expected) in [
        (format!("{sas}{recette}{lists}"), ""),
        (format!("{sas}{recette}{lists}addresses = \"any\"\n"), ""),
        (format!("{sas}{recette}{lists}addresses = [\"192.0.2.1\"]\n"), ""),
        (format!("{sas}{lists}"), "environment: name one"),
        (format!("{sas}{lists}environment = \"recete\"\n"), "environment: name one"),
        (format!("{sas}{lists}environment = [\"recette\", \"production\"]\n"), "different authorities"),
        (format!("{twins}environment = [\"recette\", \"preproduction\"]\n"), "have the same name and units"),
        (format!("{twins}environment = \"preproduction\"\n"), ""),
        (
            format!("{sas}{lists}environment = \"production\"\n"),
            "published at http://igc-sante.esante.gouv.fr/AC/ACR-EL.cer",
        ),
        (
            format!("{sas}{lists}environment = \"production\"\nanchors = [\"ACR-EL-TEST.cer\"]\n"),
            "the profile wants AC RACINE IGC-SANTE ELEMENTAIRE",
        ),
        (format!("{sas}{recette}{lists}anchors = [{:?}]\n", foreign.path()), "the profile wants TEST AC"),
        (format!("{sas}{recette}{lists}issuer = {:?}\n", foreign.path()), "the profile wants TEST AC"),
        (format!("{sas}{recette}revocation_lists = []\n"), "revocation_lists: "),
        (
            format!(
                "{sas}{recette}{lists}[[clients.sas.allow]]\ncommon_name = \"x\"\norganizational_units = []\n"
            ),
            "allow: ",
        ),
        (format!("profile = \"sos\"\n{recette}{lists}"), "no profile of this name"),
        (format!("profile = \"none.toml\"\n{recette}{lists}"), "none.toml"),
        (format!("{recette}{lists}"), "environment: "),
        (lists.clone(), "anchors: "),
    ] {
        let file = folder.path().join("gate.toml");
        fs::write(&file, gate(([127, 0, 0, 1], 9).into(), &clients)).unwrap();
        match Plan::read(&file) {
            Ok(_) => assert_eq!(expected, "", "{clients}"),
            Err(error) => {
                let said = error.to_string();
                assert!(!expected.is_empty() && said.contains(expected), "{clients}: {said}");
            }
        }
    }
}

#[test]
fn its_responder_is_asked_unless_another_is_named() {
    let folder = authorities();
    let lists = ["root", "authority"].map(|name| chain().join(format!("{name}.crl")).display().to_string());
    for (ocsp, said) in [
        ("", "No responder is asked."),
        ("ocsp = {}", "http://ocsp.esante.gouv.fr"),
        ("ocsp = { responder = \"http://ours.example/\" }", "http://ours.example/"),
    ] {
        let clients =
            format!("profile = \"sas\"\nenvironment = \"recette\"\nrevocation_lists = {lists:?}\n{ocsp}\n");
        let file = folder.path().join("gate.toml");
        fs::write(&file, gate(([127, 0, 0, 1], 9).into(), &clients)).unwrap();
        let page = Plan::read(&file).unwrap().statement(Language::English, 1_795_298_400_000);
        assert!(page.contains(said), "{ocsp}: {page}");
    }
}
