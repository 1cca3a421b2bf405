//! Documents made to get past a scanner, an antivirus that changes under way, and a hundred large uploads at once.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use futures::StreamExt as _;
use sceau_store::judge::{BINARY_SIGNATURE, ClamavJudge};
use sceau_tests::{Program, Scanned, Visit};

use crate::documents_are_scanned_as_they_come_in::pdf;

/// A PDF of 64 KiB that unfolds to 64 MiB.
const BOMB: &str = "import sys, zlib; data = zlib.compress(bytes(64 << 20), 9); sys.stdout.buffer.write(b'%PDF-1.7\\n\
1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj 2 0 obj << /Type /Pages /Kids [] /Count 0 >> endobj\\n\
3 0 obj << /Type /EmbeddedFile /Filter /FlateDecode /Length ' + str(len(data)).encode() + b' >>\\nstream\\n' + data + \
b'\\nendstream endobj\\ntrailer << /Root 1 0 R >>\\n%%EOF')";

pub(crate) fn bomb() -> Vec<u8> {
    let bomb = Program::other("python3").args(["-c", BOMB]).run().success().stdout;
    assert!(bomb.len() < 100_000 && bomb.starts_with(b"%PDF"));
    bomb
}

#[tokio::test]
async fn a_zip_bomb_is_refused_as_what_cannot_be_checked() {
    let scanned = Scanned::start("bomb", "MaxScanSize 8M\nMaxFileSize 8M");
    let cast = scanned.cast().await;
    let visit = scanned.begin(&cast).await;
    assert_eq!(visit.pdf(bomb()).await.unwrap_err(), "unscannable");
}

#[tokio::test]
async fn a_pdf_with_scripts_is_taken_and_left_to_the_reader_s_sandbox() {
    let scanned = Scanned::start("scripts", "");
    let cast = scanned.cast().await;
    let visit = scanned.begin(&cast).await;
    let scripts = b"%PDF-1.7\n1 0 obj << /Type /Catalog /OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >> >> endobj\n\
        trailer << /Root 1 0 R >>\n%%EOF";
    assert_eq!(visit.pdf(scripts.to_vec()).await.unwrap().size, scripts.len() as u64);
}

#[tokio::test]
async fn what_the_antivirus_itself_does_not_take_is_refused() {
    let scanned = Scanned::start("too-large", "StreamMaxLength 2M");
    let cast = scanned.cast().await;
    let visit = scanned.begin(&cast).await;
    assert_eq!(visit.pdf(pdf(6_000_000)).await.unwrap_err(), "file_too_large");
}

#[tokio::test]
async fn an_antivirus_that_reloads_under_way_is_no_reason_to_pass() {
    let scanned = Scanned::start("reload", "StreamMaxLength 64M\nConcurrentDatabaseReload no");
    let cast = scanned.cast().await;
    let visit = scanned.begin(&cast).await;
    let mut later = pdf(2_000_000);
    later[1_000_000..1_000_008].copy_from_slice(&[9, 0, 0xff, 0xfe, 9, 0xc3, 0x28, 9]);
    visit.pdf(later.clone()).await.unwrap();
    let more = "Sceau.Test.Later:0:*:0900fffe09c32809\n";
    std::fs::write(scanned.clamd.signatures().join("later.ndb"), more).unwrap();
    let bytes = pdf(20_000_000);
    let place = visit.announce("pièce.pdf", "application/pdf", bytes.len() as u64).await.unwrap();
    let (sent, ()) = tokio::join!(visit.send(place, bytes), async {
        visit.until(place, "receiving").await;
        reload(&scanned.clamd);
    });
    assert_eq!(sent.unwrap().size, 20_000_000);
    // The daemon took the new signatures up: what passed before passes no longer.
    while visit.pdf(later.clone()).await.is_ok() {}
    assert_eq!(visit.pdf(later).await.unwrap_err(), "infected");
    let mut infected = pdf(30_000);
    infected[20_000..20_008].copy_from_slice(&BINARY_SIGNATURE);
    assert_eq!(visit.pdf(infected).await.unwrap_err(), "infected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_waits_visibly_while_the_antivirus_reloads() {
    let scanned = Scanned::start("reloading", "StreamMaxLength 64M\nConcurrentDatabaseReload no");
    let cast = scanned.cast().await;
    let visit = scanned.begin(&cast).await;
    // Signatures that do not come to their end before we say so: until then it reads on, and looks at nothing.
    let more = scanned.clamd.signatures().join("later.ndb");
    Program::other("mkfifo").arg(&more).run().success();
    reload(&scanned.clamd);
    let pipe = more.clone();
    let opened = move || std::fs::File::options().write(true).open(pipe);
    let mut slow = tokio::task::spawn_blocking(opened).await.unwrap().unwrap();
    let line = b"Sceau.Test.Later:0:*:0900fffe09c32809\n";
    // What it opens next is a file like any other.
    std::fs::write(more.with_extension("whole"), line).unwrap();
    std::fs::rename(more.with_extension("whole"), &more).unwrap();

    let bytes = pdf(2_000_000);
    let place = visit.announce("pièce.pdf", "application/pdf", bytes.len() as u64).await.unwrap();
    let (sent, ()) = tokio::join!(visit.send(place, bytes), async {
        visit.until(place, "waiting_for_antivirus").await;
        slow.write_all(line).unwrap();
        drop(slow);
    });
    assert_eq!(sent.unwrap().size, 2_000_000, "it went on by itself");
    let mut later = pdf(30_000);
    later[20_000..20_008].copy_from_slice(&[9, 0, 0xff, 0xfe, 9, 0xc3, 0x28, 9]);
    assert_eq!(visit.pdf(later).await.unwrap_err(), "infected", "by what it knows now");
    visit.submit().await.unwrap();
}

fn reload(clamd: &ClamavJudge) {
    let mut socket = UnixStream::connect(clamd.socket()).unwrap();
    socket.write_all(b"zRELOAD\0").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "RELOADING\0");
}

/// Uploads that are under way at once.
const UPLOADS: usize = 100;
const HUNDRED_MB: u64 = 100_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_large_uploads_take_little_memory() {
    let scanned = Scanned::start_limited(
        "memory",
        "StreamMaxLength 200M\nMaxConnectionQueueLength 200",
        "per_deposit = 60\nper_address = 112\nconnections_per_address = 200",
    );
    let cast = scanned.cast().await;
    let visits = [scanned.begin(&cast).await, scanned.begin(&cast).await];
    let mut sending = futures::stream::FuturesUnordered::new();
    for n in 0..UPLOADS {
        let visit = &visits[n % 2];
        let place = visit.announce("grand.pdf", "application/pdf", HUNDRED_MB).await.unwrap();
        sending.push(async move {
            // Three parts and a little, and then the line is slow: each upload holds what it ever holds.
            let begun: Result<Vec<u8>, std::io::Error> = Ok(pdf(3_900_000));
            let body = futures::stream::iter([begun]).chain(futures::stream::pending());
            visit.send(place, reqwest::Body::wrap_stream(body)).await
        });
    }
    let all_arrived = async {
        for visit in &visits {
            while arrived(visit).await < UPLOADS / 2 {}
        }
    };
    tokio::select! {
        ended = sending.next() => panic!("an upload ended: {ended:?}"),
        () = all_arrived => {}
    }
    let pid = scanned.intake.as_ref().unwrap().pid();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    println!("peak of the intake: {} MiB", peak / 1024);
    assert!(peak < 200 * 1024, "{peak} KiB");
}

/// How many files of a deposit have sent everything that they will send.
async fn arrived(visit: &Visit<'_>) -> usize {
    let standing = visit.standing().await;
    let files = standing.as_array().unwrap().iter();
    files.filter(|file| file["bytes"].as_u64().is_some_and(|bytes| bytes >= 3_900_000)).count()
}
