//! A list of ten million certificates, 350 MB of it: where the file allows it, requests go on while it is taken, and whoever it names is out. Usually it is refused.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use sceau_pki::Certificate;

use crate::{
    kept::Kept,
    lists::{List, publish},
    outside::{chain, run, upstream, usual},
};

const ENTRIES: u64 = 10_000_000;
/// MiB that a gate may hold at once, of a list that has 334 by itself; and one that refuses it.
const MOST: u64 = 1400;
const KEEPS: u64 = 250;

/// A value of DER of this tag, whose length fits into one octet.
fn short(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
}

/// The head of one that has so many octets, more than 2^24.
fn long(tag: u8, length: usize) -> [u8; 6] {
    let [a, b, c, d] = u32::try_from(length).unwrap().to_be_bytes();
    assert!(a > 0);
    [tag, 0x84, a, b, c, d]
}

/// A serial number of sixteen octets, positive.
fn serial(n: u64) -> [u8; 16] {
    (u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 0x40 << 120).to_be_bytes()
}

fn moment(words: &str) -> Vec<u8> {
    let said = Command::new("date").args(["-u", "-d", words, "+%y%m%d%H%M%SZ"]).output().unwrap().stdout;
    short(0x17, said.trim_ascii())
}

/// A list of the authority of clients that names this one, and as many besides, at this path: signed by OpenSSL.
fn make(path: &Path, client: &str) {
    let (folder, at) = (tempfile::tempdir().unwrap(), chain().display());
    let said = run(chain(), "openssl", &format!("x509 -in {at}/{client}.pem -noout -serial"));
    let digits = said.trim().trim_start_matches("serial=");
    let mut named: Vec<u8> =
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect();
    if named[0] >= 0x80 {
        named.insert(0, 0);
    }
    let (date, until) = (moment("1 hour ago"), moment("7 days"));
    let mut entries = short(0x30, &[short(0x02, &named), date.clone()].concat());
    entries.reserve(usize::try_from(ENTRIES).unwrap() * 35);
    for n in 0..ENTRIES {
        entries.extend_from_slice(&[0x30, 33, 0x02, 16]);
        entries.extend_from_slice(&serial(n));
        entries.extend_from_slice(&date);
    }
    let ecdsa = short(0x30, &short(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]));
    let pem = fs::read_to_string(chain().join("authority.pem")).unwrap();
    let issuer = Certificate::all_from_pem(&pem, "authority").unwrap()[0].subject().to_der();
    // Number 99.
    let number = short(0x30, &[short(0x06, &[0x55, 0x1d, 20]), short(0x04, &short(0x02, &[99]))].concat());
    let number = short(0xa0, &short(0x30, &number));
    let before =
        [&short(0x02, &[1]), &ecdsa, &issuer, &date, &until, &long(0x30, entries.len())[..]].concat();
    let length = before.len() + entries.len() + number.len();
    let message = [&long(0x30, length), &before[..], &entries, &number].concat();
    drop(entries);
    fs::write(folder.path().join("message"), &message).unwrap();
    run(folder.path(), "openssl", &format!("dgst -sha256 -sign {at}/authority.key -out signature message"));
    let signature = fs::read(folder.path().join("signature")).unwrap();
    let rest = [ecdsa, short(0x03, &[&[0], &signature[..]].concat())].concat();
    let mut file = fs::File::create(path).unwrap();
    for part in [&long(0x30, message.len() + rest.len()), &message[..], &rest] {
        file.write_all(part).unwrap();
    }
}

/// The program before a service, with a short list that names somebody else.
struct Gate {
    child: Child,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Drop for Gate {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Gate {
    async fn start(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let list = List::of_clients("01", &["revoked"]).dated("2 hours ago", "7 days");
        publish(&folder.path().join("clients.crl"), &list.make());
        let lists = [format!("{}/root.crl", chain().display()), "clients.crl".to_owned()];
        fs::write(folder.path().join("gate.toml"), usual(upstream().await, &lists) + more).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sceau-gate"));
        command.args(["run", "--die-with-parent"]).current_dir(folder.path());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
        let address = ready["addresses"][0].as_str().unwrap().parse().unwrap();
        Self { child, address, folder }
    }

    /// MiB of it that the system says.
    fn memory(&self, what: &str) -> u64 {
        let said = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = said.lines().find_map(|line| line.strip_prefix(what)).unwrap();
        line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().unwrap() / 1024
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_ten_million_takes_who_it_names_out_where_it_may_be_so_large() {
    let made = tempfile::tempdir().unwrap();
    let list = made.path().join("list");
    make(&list, "known");
    let mut gates = [Gate::start("[lists]\nlargest = \"1 GiB\"\n").await, Gate::start("").await];
    for gate in &gates {
        let aside = gate.folder.path().join("aside");
        fs::copy(&list, &aside).unwrap();
        fs::rename(&aside, gate.folder.path().join("clients.crl")).unwrap();
    }
    let [large, usual] = &mut gates;
    let (mut other, mut named) =
        (Kept::open(large.address, "changes", ""), Kept::open(large.address, "known", ""));
    let published = Instant::now();
    loop {
        assert_eq!(other.get("/mtls-protect/a").await.0, "200", "of whom nothing is wrong passes throughout");
        let (status, head) = named.get("/mtls-protect/a").await;
        if status != "200" {
            assert!(status == "401" && head.contains("certificate_revoked"), "{head}");
            break;
        }
        assert!(published.elapsed() < Duration::from_secs(180), "the list is not taken");
    }
    assert_eq!(other.get("/mtls-protect/a").await.0, "200");
    let log = BufReader::new(usual.child.stderr.take().unwrap());
    let (to, said) = mpsc::channel();
    thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| to.send(line)));
    while !said.recv_timeout(Duration::from_secs(60)).expect("the log says so").contains("list_too_large") {}
    for client in ["known", "changes"] {
        assert_eq!(Kept::open(usual.address, client, "").get("/mtls-protect/a").await.0, "200", "{client}");
    }
    let (most, keeps) = (large.memory("VmHWM:"), usual.memory("VmHWM:"));
    assert!(most < MOST, "{most} MiB");
    assert!(keeps < KEEPS, "{keeps} MiB of what is refused");
}
