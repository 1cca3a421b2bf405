//! The annex's examples as they stand there (V3.2, 5.6 and 5.7), with the files that its procedure makes (4.3.1 to 4.3.3): the Appointment POST by curl to
//! the gate, the same by an application through the gate to a partner, and what whoever shows nothing reads. Revocation as it is asked for there: lists (5.3), made
//! by its own commands into one file, and a responder (2.3.2, 5.4 and 5.5) for a caller that lists say nothing of.

use std::{fs, io::Write as _, net::SocketAddr, path::Path, process::Command};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::mpsc,
};

use sceau_pki::OcspStatus;

use crate::{
    a_profile_says_who_calls::authorities,
    calls_go_out_with_our_certificate::Out,
    each_cause_is_told_alike_everywhere::header,
    lists::List,
    others::Server,
    outside::{Stage, chain, run, usual},
    responders::{Responder, by_ours, revoked},
};

const APPOINTMENT: &str = include_str!("annex/appointment.json");
/// Key, certificate and issuer, named as the procedure names it.
const PEM: &str = "Essai_PROD.key.crt.ca.pem";
const EXTENSIONS: &str =
    "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n";

/// A publisher's folder after the procedure's commands; the authority's part is OpenSSL's too.
fn procedure() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (at, chain) = (folder.path(), chain().display());
    let openssl = |words: &str| run(at, "openssl", words);
    openssl(
        "req -nodes -passout pass: -newkey rsa:2048 -sha256 -subj /CN=sas-agregateur-prod-Essai \
         -keyout Essai_PROD.key -out Essai_PROD.csr",
    );
    // The authority adds who the structure is, and answers in DER.
    fs::write(at.join("authority.cnf"), EXTENSIONS).unwrap();
    openssl(&format!(
        "x509 -req -in Essai_PROD.csr -subj /C=FR/O=X/OU=12345678900012/CN=sas-agregateur-prod-Essai -days 30 -sha256 \
         -CA {chain}/authority.pem -CAkey {chain}/authority.key -extfile authority.cnf -outform der -out Essai_PROD.crt"
    ));
    openssl(&format!("x509 -in {chain}/authority.pem -out ACI-EL-ORG.cer.pem"));
    openssl("x509 -inform der -in Essai_PROD.crt -out Essai_PROD.crt.pem");
    run(at, "cp", &format!("Essai_PROD.key {PEM}"));
    let mut pem = fs::OpenOptions::new().append(true).open(at.join(PEM)).unwrap();
    for name in ["Essai_PROD.crt.pem", "ACI-EL-ORG.cer.pem"] {
        pem.write_all(&fs::read(at.join(name)).unwrap()).unwrap();
    }
    folder
}

/// Head, in small letters, and body of a request as a service read it.
type Taken = (String, Vec<u8>);

/// A service that takes appointments.
async fn service() -> (SocketAddr, mpsc::UnboundedReceiver<Taken>) {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, (into, from)) = (socket.local_addr().unwrap(), mpsc::unbounded_channel());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socket.accept().await {
            let mut read = Vec::new();
            let taken = loop {
                assert!(stream.read_buf(&mut read).await.unwrap() > 0, "a request was cut");
                let Some(end) = read.windows(4).position(|octets| octets == b"\r\n\r\n") else { continue };
                let (head, body) = read.split_at(end + 4);
                let head = String::from_utf8_lossy(head).to_ascii_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                if body.len() >= length.parse().unwrap() {
                    break (head, body.to_vec());
                }
            };
            let answer = "HTTP/1.1 201 Created\r\nlocation: /fhir/v1/Appointment/32165461032\r\n\
                          connection: close\r\ncontent-length: 5\r\n\r\ntaken";
            stream.write_all(answer.as_bytes()).await.unwrap();
            into.send(taken).unwrap();
        }
    });
    (address, from)
}

/// What the annex's command prints, with the answer's headers, where it goes there with these words besides.
async fn post(url: &str, more: &str) -> String {
    let mut command = Command::new("curl");
    command.args(["-sS", "-i", "--location", "--request", "POST", url]).args(more.split_whitespace());
    command.args(["--header", "Content-Type: application/json", "--data-raw", APPOINTMENT]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A gate that lets this publisher in.
async fn gate(service: SocketAddr, lists: &[String], intermediates: bool) -> Stage {
    let named = format!("intermediates = [\"{}/authority.pem\"]\n", chain().display());
    let text = |_: SocketAddr| {
        let text = usual(service, lists)
            .replace("/mtls-protect/", "/fhir/v1")
            .replace("sas-agregateur-recette", "sas-agregateur-prod-Essai")
            .replace("499700234190004", "12345678900012");
        if intermediates { text } else { text.replace(&named, "") }
    };
    Stage::with(tempfile::tempdir().unwrap(), text).await
}

fn both_lists() -> [String; 2] {
    ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()))
}

fn taken(answer: &str) {
    assert_eq!(answer.split_whitespace().nth(1), Some("201"), "{answer}");
    assert_eq!(header(answer, "location"), "/fhir/v1/Appointment/32165461032");
    assert!(answer.ends_with("\r\n\r\ntaken"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_annexs_appointment_arrives_octet_by_octet() {
    let (folder, (service, mut came)) = (procedure(), service().await);
    let (pem, root) = (folder.path().join(PEM), chain().join("root.pem"));
    let shown = format!("--cert {} --cacert {}", pem.display(), root.display());
    // By lists, with the authority between known here; and with no authority between but the one in the file that curl shows.
    for (lists, intermediates) in [(&both_lists()[..], true), (&[], false)] {
        let stage = gate(service, lists, intermediates).await;
        let url = format!("https://localhost:{}/fhir/v1/Appointment", stage.address.port());
        for version in ["--http1.1 --tls-max 1.2", "--http2"] {
            taken(&post(&url, &format!("{shown} {version}")).await);
            let (head, body) = came.recv().await.unwrap();
            assert_eq!(body, APPOINTMENT.as_bytes(), "{version}");
            assert!(head.starts_with("post /fhir/v1/appointment http/1.1\r\n"), "{head}");
            for said in ["content-type: application/json\r\n", "client-cert: :", "client-cert-chain: :"] {
                assert!(head.contains(said), "{said}: {head}");
            }
        }
        drop(stage.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_shows_nothing_or_is_not_known_reads_what_the_annex_shows() {
    let (service, mut came) = service().await;
    let stage = gate(service, &both_lists(), true).await;
    let url = format!("https://localhost:{}/fhir/v1/Appointment", stage.address.port());
    let nothing = r#"{"status": "KO:Unauthorized", "verify": "NONE", "CN": ""}"#;
    // Its own command: `curl -k -I`, and `Content-Length: 57` in the answer.
    for (version, line) in [("--http1.1", "HTTP/1.1 401 Unauthorized\r\n"), ("--http2", "HTTP/2 401")] {
        let answer = stage.call(&format!("-k -I {version} {url}")).await;
        assert!(answer.starts_with(line), "{answer}");
        assert_eq!(header(&answer, "content-length"), "57", "{answer}");
        let answer = post(&url, &format!("-k {version}")).await;
        assert!(answer.starts_with(line), "{answer}");
        assert_eq!(answer.split_once("\r\n\r\n").unwrap().1, nothing);
        let other = post(&url, &format!("-k {version} {}", Stage::as_client("known"))).await;
        assert_eq!(other.split_whitespace().nth(1), Some("403"), "{other}");
        let body = r#"{"status": "KO:Forbidden", "verify": "SUCCESS", "CN": "sas-agregateur-recette"}"#;
        assert_eq!(other.split_once("\r\n\r\n").unwrap().1, body);
        let head = stage.call(&format!("-k -I {version} {} {url}", Stage::as_client("known"))).await;
        assert_eq!(head.split_whitespace().nth(1), Some("403"), "{head}");
        assert_eq!(header(&head, "content-length"), body.len().to_string(), "{head}");
    }
    assert_eq!(nothing.len(), 57);
    drop(stage.stop().await);
    assert!(came.try_recv().is_err(), "the service has heard of nobody");
}

/// nginx as the platform: it wants a certificate whose issuer it is shown, and passes on what it is sent.
fn platform(folder: &Path, service: SocketAddr) -> (Server, u16) {
    let at = chain().display();
    let server = format!(
        "server {{ listen 127.0.0.1:PORT ssl http2; ssl_certificate {at}/server.pem; ssl_certificate_key {at}/server.key; \
         ssl_client_certificate {at}/root.pem; ssl_verify_client on; ssl_verify_depth 10; \
         location / {{ proxy_pass http://{service}; proxy_set_header Seen $ssl_client_s_dn; }} }}"
    );
    Server::nginx(folder, &server)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_annexs_appointment_goes_out_octet_by_octet() {
    let (folder, (service, mut came)) = (tempfile::tempdir().unwrap(), service().await);
    let (_platform, port) = platform(folder.path(), service);
    let text = format!(
        "[[outgoing]]\naddress = \"127.0.0.1:0\"\nprofile = \"sas\"\nenvironment = \"production\"\neditor = \"Essai\"\n\
         to = \"https://localhost:{port}/\"\ntls = {{ authority = \"{}/root.pem\" }}\n",
        chain().display()
    );
    // The file with key and certificate stands beside the gate's, under the name that the profile knows.
    let out = Out::with(procedure(), &text).await;
    taken(&post(&format!("http://{}/fhir/v1/Appointment", out.at), "").await);
    let (head, body) = came.recv().await.unwrap();
    assert_eq!(body, APPOINTMENT.as_bytes());
    assert!(head.starts_with("post /fhir/v1/appointment http/1."), "{head}");
    assert!(head.contains("content-type: application/json\r\n"), "{head}");
    let name = "seen: cn=sas-agregateur-prod-essai,ou=12345678900012,o=x,c=fr\r\n";
    assert!(head.contains(name), "the platform saw our certificate: {head}");
    drop(out.stop().await);
}

/// A gate that lets callers of recette in by the shipped profile, with these words about revocation; its folder has the published authorities.
async fn by_profile(folder: TempDir, service: SocketAddr, revocation: &str) -> Stage {
    let chain = chain().display();
    let text = format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\ncertificate = \"{chain}/server.pem\"\nkey = \"{chain}/server.key\"\n\
         [[listener.route]]\npath = \"/fhir/v1\"\nupstream = \"http://{service}\"\nclients = \"sas\"\n\
         [clients.sas]\nprofile = \"sas\"\nenvironment = \"recette\"\naddresses = \"any\"\n{revocation}\n"
    );
    Stage::with(folder, |_| text).await
}

/// Posts the appointment as these clients; each is taken, or refused with this code.
async fn posts(stage: &Stage, expected: &[(&str, Option<&str>)]) {
    let url = format!("https://localhost:{}/fhir/v1/Appointment", stage.address.port());
    for (client, refused) in expected {
        for version in ["--http1.1 --tls-max 1.2", "--http2"] {
            let answer = post(&url, &format!("-k {version} {}", Stage::as_client(client))).await;
            let Some(code) = refused else {
                taken(&answer);
                continue;
            };
            assert_eq!(answer.split_whitespace().nth(1), Some("401"), "{client}: {answer}");
            assert_eq!(header(&answer, "sceau-code"), *code, "{client}: {answer}");
            assert!(answer.contains("\"status\": \"KO:Unauthorized\", \"verify\": \"FAILED"), "{answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_annexs_lists_in_one_file_are_believed() {
    let (folder, (service, mut came)) = (authorities(), service().await);
    // As `wget` leaves them.
    let root = List { authority: "root", ..List::of_clients("11", &[]) };
    let lower = List::of_clients("12", &["revoked"]);
    for (list, file) in [(root, "ACR-EL-TEST.crl"), (lower, "ACI-EL-ORG-TEST.crl")] {
        fs::write(folder.path().join(file), list.make()).unwrap();
    }
    fs::write(
        folder.path().join("5.3.sh"),
        "openssl crl -inform der -in ACR-EL-TEST.crl -out ACR-EL-TEST.crl.pem\n\
         openssl crl -inform der -in ACI-EL-ORG-TEST.crl -out ACI-EL-ORG-TEST.crl.pem\n\
         cat ACR-EL-TEST.crl.pem ACI-EL-ORG-TEST.crl.pem > ACR-ACI-EL-ORG-TEST.crl.pem\n",
    )
    .unwrap();
    run(folder.path(), "sh", "-e 5.3.sh");
    let lists = "revocation_lists = [\"ACR-ACI-EL-ORG-TEST.crl.pem\"]";
    let stage = by_profile(folder, service, lists).await;
    posts(&stage, &[("known", None), ("revoked", Some("certificate_revoked"))]).await;
    for _ in 0..2 {
        assert_eq!(came.recv().await.unwrap().1, APPOINTMENT.as_bytes());
    }
    assert!(came.try_recv().is_err(), "the service has not heard of who was taken back");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_responder_is_asked_as_the_annex_lets_one_choose() {
    let (service, mut came) = service().await;
    for (status, refused) in [(OcspStatus::Good, None), (revoked(), Some("certificate_revoked"))] {
        let responder = Responder::open(by_ours(status, 0, 60_000)).await;
        // The list of the root alone, about the authority: nothing but the responder speaks of the caller.
        let asks = format!(
            "revocation_lists = [\"{}/root.crl\"]\nocsp = {{ responder = \"http://{}/\" }}",
            chain().display(),
            responder.address
        );
        let stage = by_profile(authorities(), service, &asks).await;
        posts(&stage, &[("known", refused)]).await;
        assert!(responder.asked() > 0);
        drop(stage.stop().await);
    }
    assert!(came.recv().await.is_some() && came.recv().await.is_some() && came.try_recv().is_err());
}
