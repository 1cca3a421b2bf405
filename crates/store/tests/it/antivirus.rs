//! The antivirus's client against the real daemon, and against daemons that speak badly.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use sceau_store::judge::{BINARY_SIGNATURE, BINARY_SIGNATURE_NAME, ClamavJudge};
use sceau_store::{Antivirus, AntivirusError, ClamdAddress, Patience, Verdict};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

type Given = Result<Bytes, std::io::Error>;

fn stream(chunks: Vec<Vec<u8>>) -> impl futures::Stream<Item = Given> {
    futures::stream::iter(chunks.into_iter().map(|chunk| Ok(chunk.into())))
}

fn pool(addresses: Vec<ClamdAddress>) -> Antivirus {
    let short = Duration::from_millis(200);
    let patience = Patience { connect: Duration::from_secs(2), progress: short, verdict: short };
    Antivirus::new(addresses, patience).unwrap()
}

fn patient(judge: &ClamavJudge) -> Antivirus {
    Antivirus::new(vec![judge.address()], Patience::default()).unwrap()
}

#[tokio::test]
async fn the_real_daemon_judges_the_exact_bytes() {
    let judge = ClamavJudge::start("StreamMaxLength 64M").unwrap();
    let antivirus = patient(&judge);
    let noise = |seed: u8| (0..3_000_000u32).map(move |n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 ^ seed);
    let clean: Vec<u8> = noise(1).collect();
    assert_eq!(antivirus.scan(stream(vec![clean.clone()])).await.unwrap(), Verdict::Clean);
    // In the middle, across two chunks: the daemon sees one stream.
    let (head, tail) = BINARY_SIGNATURE.split_at(3);
    let infected = vec![[&clean, head].concat(), [tail, &clean].concat()];
    let found = antivirus.scan(stream(infected)).await.unwrap();
    assert_eq!(found, Verdict::Infected { name: BINARY_SIGNATURE_NAME.to_owned() });
    // The signature would not survive a conversion to text: that is what makes this test one of exact bytes.
    let text = String::from_utf8_lossy(&BINARY_SIGNATURE).into_owned().into_bytes();
    assert_eq!(antivirus.scan(stream(vec![text])).await.unwrap(), Verdict::Clean);
    assert_eq!(antivirus.scan(stream(vec![])).await.unwrap(), Verdict::Clean);
}

#[tokio::test]
async fn a_daemon_says_what_it_is_and_another_server_is_none() {
    let (judge, patience) = (ClamavJudge::start("").unwrap(), Duration::from_secs(10));
    judge.address().ping(patience).await.unwrap();
    let version = judge.address().version(patience).await.unwrap();
    assert!(version.starts_with("ClamAV ") && !version.contains('\0'), "{version}");
    let folder = tempfile::tempdir().unwrap();
    let silent = UnixListener::bind(folder.path().join("silent")).unwrap();
    let asked = ClamdAddress::Unix(folder.path().join("silent")).ping(Duration::from_millis(50)).await;
    assert_eq!(asked.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
    drop(silent);
    // An HTTP server's answer has no zero byte.
    let other = folder.path().join("other");
    let listener = UnixListener::bind(&other).unwrap();
    let answering = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await
    });
    assert!(ClamdAddress::Unix(other).ping(patience).await.is_err());
    answering.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_real_daemon_refuses_what_is_larger_than_its_limit() {
    let judge = ClamavJudge::start("StreamMaxLength 1M").unwrap();
    let chunks = vec![vec![7; 500_000]; 8];
    let refused = patient(&judge).scan(stream(chunks)).await;
    assert!(matches!(refused, Err(AntivirusError::TooLarge)), "{refused:?}");
}

#[tokio::test]
async fn a_daemon_that_fell_is_passed_over_and_comes_back() {
    let (mut first, second) = (ClamavJudge::start("").unwrap(), ClamavJudge::start("").unwrap());
    let antivirus = Antivirus::new(vec![first.address(), second.address()], Patience::default()).unwrap();
    first.fall();
    for _ in 0..4 {
        assert_eq!(antivirus.scan(stream(vec![vec![1; 100]])).await.unwrap(), Verdict::Clean);
    }
    let alone = patient(&first);
    let down = alone.scan(stream(vec![vec![1; 100]])).await;
    assert!(matches!(down, Err(AntivirusError::Unavailable(_))), "{down:?}");
    first.go_on().unwrap();
    assert_eq!(alone.scan(stream(vec![vec![1; 100]])).await.unwrap(), Verdict::Clean);
}

/// How a daemon of ours misbehaves once it has been pinged.
#[derive(Clone, Copy)]
enum Manners {
    /// Reads the whole stream, writes this, closes.
    Says(&'static [u8]),
    /// Reads the whole stream and never answers.
    Silent,
    /// Takes nothing of the stream.
    Deaf,
    /// Says this after the command alone, then reads on.
    Hasty(&'static [u8]),
    /// Closes after the first chunk.
    Leaves,
}

async fn badly(folder: &Path, manners: Manners) -> ClamdAddress {
    let path = folder.join("clamd");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(stream, manners));
        }
    });
    ClamdAddress::Unix(path)
}

async fn answer(mut stream: UnixStream, manners: Manners) -> std::io::Result<()> {
    let mut command = Vec::new();
    while command.last() != Some(&0) {
        command.push(stream.read_u8().await?);
    }
    if command == b"zPING\0" {
        return stream.write_all(b"PONG\0").await;
    }
    assert_eq!(command, b"zINSTREAM\0");
    match manners {
        Manners::Deaf => return std::future::pending().await,
        Manners::Hasty(text) => stream.write_all(text).await?,
        _ => {}
    }
    loop {
        let length = stream.read_u32().await?;
        if length == 0 {
            break;
        }
        let mut chunk = vec![0; length as usize];
        stream.read_exact(&mut chunk).await?;
        if matches!(manners, Manners::Leaves) {
            return Ok(());
        }
    }
    match manners {
        Manners::Says(text) => stream.write_all(text).await,
        Manners::Silent => std::future::pending().await,
        _ => Ok(()),
    }
}

/// What a result must be.
type Expected = dyn Fn(&Result<Verdict, AntivirusError>) -> bool;

async fn judged_by(manners: Manners) -> Result<Verdict, AntivirusError> {
    let folder = tempfile::tempdir().unwrap();
    let antivirus = pool(vec![badly(folder.path(), manners).await]);
    antivirus.scan(stream(vec![vec![1; 60_000]; 40])).await
}

#[tokio::test]
async fn a_daemon_that_speaks_badly_is_never_clean() {
    use Manners::{Deaf, Hasty, Leaves, Says, Silent};
    assert_eq!(judged_by(Says(b"stream: OK\0")).await.unwrap(), Verdict::Clean);
    let lost = |result: &Result<_, _>| matches!(result, Err(AntivirusError::Lost));
    let garbage = |result: &Result<_, _>| matches!(result, Err(AntivirusError::Garbage));
    let late = |result: &Result<_, _>| matches!(result, Err(AntivirusError::Late));
    let large = |result: &Result<_, _>| matches!(result, Err(AntivirusError::TooLarge));
    let cases: [(Manners, &Expected); 11] = [
        (Says(b""), &lost),
        (Says(b"stream: OK"), &lost),
        (Says(b"stream: OK\n"), &lost),
        (Says(b"stream: OK\0stream: OK\0"), &garbage),
        (Says(b"HTTP/1.1 200 OK\r\n\0"), &garbage),
        (Says(&[0; 5000]), &garbage),
        (Hasty(b"stream: OK\0"), &garbage),
        (Says(b"INSTREAM size limit exceeded. ERROR\0"), &large),
        (Leaves, &lost),
        (Silent, &late),
        (Deaf, &late),
    ];
    for (number, (manners, expected)) in cases.into_iter().enumerate() {
        let result = judged_by(manners).await;
        assert!(expected(&result), "case {number}: {result:?}");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_has_no_verdict() {
    let judge = ClamavJudge::start("").unwrap();
    let cut: Vec<Given> = vec![Ok(Bytes::from_static(b"half")), Err(std::io::Error::other("gone"))];
    let result = patient(&judge).scan(futures::stream::iter(cut)).await;
    assert!(matches!(result, Err(AntivirusError::Source(reason)) if reason.contains("gone")));
}

#[test]
fn addresses_are_read_as_they_are_written() {
    for text in ["unix:/run/clamav/clamd.ctl", "tcp:127.0.0.1:3310", "tcp:[::1]:3310", "tcp:localhost:3310"] {
        assert_eq!(text.parse::<ClamdAddress>().unwrap().to_string(), text);
    }
    for text in ["", "unix:clamd", "tcp:host", "tcp::3310", "tcp:host:0", "tcp:host:99999", "/run/clamd"] {
        assert!(text.parse::<ClamdAddress>().is_err(), "{text}");
    }
    // Whoever is between us and such a daemon reads the documents and says what is clean.
    for text in
        ["tcp:av.example:3310", "tcp:192.0.2.7:3310", "tcp:[2001:db8::1]:3310", "tcp:127.0.0.1.example:3310"]
    {
        let words = text.parse::<ClamdAddress>().unwrap_err().to_string();
        assert!(words.contains("in clear") && words.contains("stunnel"), "{words}");
    }
    assert!(Antivirus::new(vec![], Patience::default()).is_err());
}
