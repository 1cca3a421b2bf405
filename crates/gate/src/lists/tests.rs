//! What may take the place of a list in use, by OpenSSL's lists; and a server on its bad days.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests state what must hold")]

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use sceau_pki::{Authority, AuthorityProfile, Taken};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{
    Cache, Feed, Keeping, Rejection, Source, Window,
    cache::{Note, fingerprints},
    fetch::{Answer, Failure, Limits, fetch},
    keeper::{ask, keep_fetched},
};
use crate::{clock, question::Unanswered};

/// 2026-11-21.
const NOW: u64 = 1_795_219_200_000;
const LARGEST: usize = 4096;
const DAY: u64 = 86_400_000;
/// deltaCRLIndicator: the list tells what changed since number 5 (RFC 5280 §5.2.4).
const DELTA: &str = "crl_extensions=e\n[e]\n2.5.29.27=critical,DER:020105\n";

fn authority(name: &str) -> Authority {
    Authority::create(&AuthorityProfile::of(name), NOW - DAY).unwrap()
}

/// A list without entries of this number, for a month from this day of November 2026 on.
fn list(authority: &Authority, number: &str, day: u32) -> Vec<u8> {
    naming(authority, number, day, "")
}

/// The same with these lines of OpenSSL's index.
fn naming(authority: &Authority, number: &str, day: u32, index: &str) -> Vec<u8> {
    made(authority, number, day, index, "")
}

/// The same with these settings of its extensions.
fn made(authority: &Authority, number: &str, day: u32, index: &str, extensions: &str) -> Vec<u8> {
    let dates = format!("-crl_lastupdate 202611{day}000000Z -crl_nextupdate 202612{day}000000Z");
    dated(authority, number, &dates, index, extensions)
}

fn dated(authority: &Authority, number: &str, dates: &str, index: &str, extensions: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("index", index);
    write("number", &format!("{number}\n"));
    write("ca.pem", &authority.certificate().to_pem());
    write("ca.key", &authority.key().to_pem());
    let settings = "[ca]\ndefault_ca=a\n[a]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\n";
    write("ca.cnf", &format!("{settings}{extensions}"));
    let words = format!("ca -config ca.cnf -gencrl -cert ca.pem -keyfile ca.key -out list {dates}");
    let made =
        Command::new("openssl").args(words.split_whitespace()).current_dir(folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    fs::read(folder.path().join("list")).unwrap()
}

fn feed(known: &[&Authority]) -> Feed {
    let known = known.iter().map(|authority| authority.certificate().clone()).collect();
    Feed::new(Source::File("a.crl".into()), known, LARGEST)
}

fn code(taken: Result<Taken, Rejection>) -> &'static str {
    taken.map_or_else(|cause| cause.code(), |taken| if taken == Taken::New { "new" } else { "same" })
}

#[test]
fn each_list_that_may_not_be_used_is_refused_with_its_cause_and_the_one_in_use_stays() {
    let (ours, namesake, other) = (authority("Essai"), authority("Essai"), authority("Autre"));
    let feed = feed(&[&ours]);
    let good = list(&ours, "05", 20);
    assert_eq!(code(feed.offer(&good, NOW)), "new");
    assert_eq!(code(feed.offer(&good, NOW)), "same");
    let in_use = feed.epoch();
    for (what, offered, expected) in [
        ("cut short", good[..good.len() / 2].to_vec(), "list_unreadable"),
        ("nothing", Vec::new(), "list_unreadable"),
        ("too large", [&good[..], &[b'\n'; LARGEST]].concat(), "list_too_large"),
        ("a page", b"<html>Maintenance</html>".to_vec(), "list_unreadable"),
        ("one of a namesake", list(&namesake, "06", 21), "list_false_signature"),
        ("one of somebody else", list(&other, "06", 21), "list_unknown_issuer"),
        ("an older number", list(&ours, "04", 21), "list_older"),
        ("an older time", list(&ours, "06", 19), "list_older"),
        ("of tomorrow", list(&ours, "06", 22), "list_future"),
        ("changes of another", made(&ours, "06", 21, "", DELTA), "list_partial"),
    ] {
        assert_eq!(code(feed.offer(&offered, NOW)), expected, "{what}");
        assert_eq!(
            (feed.epoch(), feed.lists().iter().next().unwrap().number()),
            (in_use, "05".into()),
            "{what}"
        );
    }
    assert_eq!(code(feed.offer(&list(&ours, "06", 21), NOW)), "new");
    assert!(feed.epoch() > in_use);
    let named = "R\t351101000000Z\t261101000000Z\t77\tunknown\t/CN=x\n";
    let again = naming(&ours, "06", 21, named);
    assert_eq!(code(feed.offer(&again, NOW)), "new", "whom it names counts, though its number is the same");
    assert!(feed.lists().iter().all(|list| list.names(&[0x77])));
}

#[test]
fn a_list_that_is_refused_keeps_no_other_of_its_file_out() {
    let (ours, namesake, other) = (authority("Essai"), authority("Essai"), authority("Autre"));
    let feed = feed(&[&ours, &other]);
    for authority in [&ours, &other] {
        assert_eq!(code(feed.offer(&list(authority, "05", 20), NOW)), "new");
    }
    let numbers = || feed.lists().iter().map(|list| list.number()).collect::<Vec<_>>();
    let (before, good) = (feed.epoch(), list(&other, "06", 21));
    for (bad, expected) in [
        (list(&namesake, "06", 21), "list_false_signature"),
        (list(&ours, "04", 21), "list_older"),
        (list(&ours, "06", 22), "list_future"),
    ] {
        assert_eq!(
            code(feed.offer(&[&bad[..], &good[..]].concat(), NOW)),
            expected,
            "what is refused is said"
        );
        assert_eq!(numbers(), ["05", "06"], "the one in use stays, and the other came");
    }
    assert_eq!(feed.epoch(), before + 1, "it came once");
}

#[test]
fn a_list_of_another_authority_does_not_silence_the_one_in_use() {
    let (ours, other) = (authority("Essai"), authority("Autre"));
    let feed = feed(&[&ours, &other]);
    for each in [&ours, &other] {
        assert_eq!(code(feed.offer(&list(each, "01", 20), NOW)), "new");
    }
    assert_eq!(feed.lists().iter().count(), 2);
}

/// What comes of asking a server that answers this and closes.
async fn asked(answer: Vec<u8>, octets: usize) -> Result<Answer, Failure> {
    let known =
        Note { of: Vec::new(), fetched: None, tag: Some("\"t\"".into()), modified: Some("then".into()) };
    let (came, head) = asked_with(&known, answer, octets).await;
    assert!(head.contains("if-none-match: \"t\"") && head.contains("if-modified-since: then"), "{head}");
    came
}

/// The same with what is known of it, and the head of the question.
async fn asked_with(known: &Note, answer: Vec<u8>, octets: usize) -> (Result<Answer, Failure>, String) {
    let (uri, socket) = server().await;
    let serving = tokio::spawn(async move { heard(&socket, &answer).await });
    let came = fetch(&uri, known, Limits { octets, time: Duration::from_secs(20) }).await;
    (came, serving.await.unwrap())
}

async fn server() -> (hyper::Uri, TcpListener) {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (format!("http://{}/a.crl", socket.local_addr().unwrap()).parse().unwrap(), socket)
}

/// The head of one question, which is answered so.
async fn heard(socket: &TcpListener, answer: &[u8]) -> String {
    let (mut stream, _) = socket.accept().await.unwrap();
    let mut head = vec![0; 2048];
    let count = stream.read(&mut head).await.unwrap();
    drop(stream.write_all(answer).await);
    String::from_utf8_lossy(&head[..count]).to_ascii_lowercase()
}

#[tokio::test]
async fn nothing_is_the_same_as_a_list_that_was_not_asked_with() {
    let unmodified = b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec();
    let (came, head) = asked_with(&Note::default(), unmodified, 4).await;
    assert!(!head.contains("if-"), "{head}");
    assert!(matches!(came, Err(Failure::Status(status)) if status == 304), "{came:?}");
}

#[tokio::test]
async fn a_server_on_its_bad_days_gives_no_list() {
    let ok = |length: usize, body: &[u8]| {
        [format!("HTTP/1.1 200 OK\r\netag: \"u\"\r\ncontent-length: {length}\r\n\r\n").as_bytes(), body]
            .concat()
    };
    match asked(ok(4, b"list"), 4).await.unwrap() {
        Answer::Body(body, note) => {
            assert_eq!((body.as_slice(), note.tag.as_deref()), (&b"list"[..], Some("\"u\"")))
        }
        Answer::NotModified => panic!("it is another one"),
    }
    assert!(matches!(asked(b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec(), 4).await, Ok(Answer::NotModified)));
    assert!(matches!(asked(ok(5, b"list5"), 4).await, Err(Failure::Unanswered(Unanswered::TooLarge(4)))));
    let endless = [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &[0x30; 100_000]].concat();
    assert!(
        matches!(asked(endless, 4).await, Err(Failure::Unanswered(Unanswered::TooLarge(4)))),
        "no length said"
    );
    assert!(
        matches!(asked(ok(9, b"list"), 99).await, Err(Failure::Unanswered(Unanswered::Broken(_)))),
        "cut short"
    );
    let elsewhere =
        b"HTTP/1.1 302 Found\r\nlocation: file:///etc/passwd\r\ncontent-length: 0\r\n\r\n".to_vec();
    assert!(matches!(asked(elsewhere, 99).await, Err(Failure::Status(status)) if status == 302));
    assert!(matches!(asked(b"no HTTP".to_vec(), 99).await, Err(Failure::Unanswered(Unanswered::Broken(_)))));
}

fn good(list: &[u8], tag: &str) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\netag: \"{tag}\"\r\ncontent-length: {}\r\n\r\n", list.len());
    [head.as_bytes(), list].concat()
}

/// Lists of an authority that hold now, of these numbers, and their fingerprints; a feed of them from there; and a disk that keeps nothing yet.
struct Shop {
    lists: [(Vec<u8>, Vec<String>); 2],
    feed: Arc<Feed>,
    keeping: Keeping,
    folder: tempfile::TempDir,
}

impl Shop {
    fn of(uri: &hyper::Uri) -> Self {
        let (authority, folder) = (authority("Essai"), tempfile::tempdir().unwrap());
        let known = vec![authority.certificate().clone()];
        let feed = Arc::new(Feed::new(Source::Http(uri.clone()), known, LARGEST));
        let lists = ["01", "02"].map(|number| {
            let list = dated(&authority, number, "-crldays 7", "", "");
            let of = fingerprints(&feed.parse(&list).unwrap());
            (list, of)
        });
        let keeping = Keeping {
            cache: Cache::new(folder.path().to_owned()),
            window: Window { from: Duration::ZERO, within: Duration::ZERO },
            limits: Limits { octets: LARGEST, time: Duration::from_secs(20) },
        };
        Self { lists, feed, keeping, folder }
    }

    /// What is there.
    fn files(&self) -> Vec<PathBuf> {
        fs::read_dir(self.folder.path()).unwrap().map(|it| it.unwrap().path()).collect()
    }
}

#[tokio::test]
async fn what_is_noted_of_another_list_says_nothing_of_the_one_at_hand() {
    let (uri, socket) = server().await;
    let shop = Shop::of(&uri);
    let ([(first, one), (second, two)], cache) = (&shop.lists, &shop.keeping.cache);
    cache.keep(&shop.feed.source, first).unwrap();
    shop.feed.load([], cache, clock::now()).unwrap();
    let noted = |of: &[String]| Note {
        of: of.to_vec(),
        fetched: Some(clock::now()),
        tag: Some("\"t\"".into()),
        modified: None,
    };
    // One of before fingerprints were noted, and one of another list: the question is due at once, without conditions.
    for of in [&[][..], two] {
        cache.keep_note(&shop.feed.source, &noted(of)).unwrap();
        let keeps = keep_fetched(uri.clone(), Arc::clone(&shop.feed), shop.keeping.clone(), false);
        tokio::select! {
            () = keeps => {}
            () = tokio::time::sleep(Duration::from_secs(30)) => panic!("nobody asks"),
            head = heard(&socket, b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n") => {
                assert!(!head.contains("if-"), "{head}");
            }
        }
    }
    let is_believed = |of: &[String]| noted(of).of_these(&shop.feed.lists()).tag.is_some();
    assert!(is_believed(one) && !is_believed(&[one.clone(), two.clone()].concat()));
    shop.feed.offer(second, clock::now()).unwrap();
    assert!(is_believed(two) && !is_believed(one));
}

#[tokio::test]
async fn a_disk_that_takes_no_list_keeps_no_note_of_it() {
    let (uri, socket) = server().await;
    let shop = Shop::of(&uri);
    let ([(first, _), (second, of)], cache) = (&shop.lists, &shop.keeping.cache);
    let mut known = Note::default();
    let mut turn = async |list: &[u8], tag: &str| {
        let answer = good(list, tag);
        let (note, head) =
            tokio::join!(ask(&uri, &shop.feed, &shop.keeping, known.clone()), heard(&socket, &answer));
        known = note.unwrap();
        (known.clone(), head)
    };
    drop(turn(first, "one").await);
    assert_eq!(shop.files().len(), 2, "the list, and what was said of it");
    // A folder that is not empty lets nothing take its place.
    let is_list = |path: &&PathBuf| path.extension().unwrap() == "crl";
    let list = shop.files().iter().find(is_list).unwrap().clone();
    fs::remove_file(&list).unwrap();
    fs::create_dir_all(list.join("full")).unwrap();
    let (note, head) = turn(second, "two").await;
    assert!(head.contains("if-none-match: \"one\""), "{head}");
    assert_eq!((&note.of, note.tag), (of, None), "the next question brings the list once more");
    assert!(note.fetched.is_some(), "when it is due");
    assert_eq!(shop.files(), std::slice::from_ref(&list), "no note, and nothing aside");
    assert_eq!(cache.note(&shop.feed.source), Note::default());
    // There is room again.
    fs::remove_dir_all(&list).unwrap();
    let (note, head) = turn(second, "two").await;
    assert!(!head.contains("if-"), "{head}");
    assert_eq!(cache.read(&shop.feed.source).as_ref(), Some(second));
    assert_eq!(cache.note(&shop.feed.source), note);
    assert_eq!(note.tag.as_deref(), Some("\"two\""));
}

/// What comes to a feed of the plan before is not lost to the one that follows it.
#[test]
fn heirs_take_what_still_comes() {
    let ours = authority("Essai");
    let [before, next, last] = [(); 3].map(|()| Arc::new(feed(&[&ours])));
    assert_eq!(code(before.offer(&list(&ours, "05", 20), NOW)), "new");
    next.inherit(&before, NOW);
    last.inherit(&next, NOW);
    assert_eq!(last.epoch(), 1);
    assert_eq!(code(before.offer(&list(&ours, "06", 21), NOW)), "new");
    let number = |feed: &Feed| feed.lists().iter().map(|list| list.number()).collect::<String>();
    assert_eq!((number(&next), number(&last), last.epoch()), ("06".into(), "06".into(), 2));
    // And not the other way.
    assert_eq!(code(last.offer(&list(&ours, "07", 21), NOW)), "new");
    assert_eq!(number(&next), "06");
}

/// A list that is signed by OpenSSL, and so long that its signature takes its time: an extension that nobody knows has 2^28 octets.
fn heavy(authority: &Authority) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let short = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
    let long = |tag: u8, content: &[u8]| {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x84], &length[..], content].concat()
    };
    let ecdsa = short(0x30, &short(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]));
    let unknown = long(0x30, &[short(0x06, &[0x2a, 3, 4]), long(0x04, &vec![0; 1 << 28])].concat());
    let number = short(0x30, &[short(0x06, &[0x55, 0x1d, 20]), short(0x04, &short(0x02, &[9]))].concat());
    let dates = [&b"261120000000Z"[..], b"261220000000Z"].map(|date| short(0x17, date)).concat();
    let extensions = long(0xa0, &long(0x30, &[number, unknown].concat()));
    let issuer = authority.certificate().subject().to_der();
    let message = long(0x30, &[short(0x02, &[1]), ecdsa.clone(), issuer, dates, extensions].concat());
    fs::write(folder.path().join("message"), &message).unwrap();
    fs::write(folder.path().join("key"), authority.key().to_pem().as_bytes()).unwrap();
    let words = "dgst -sha256 -sign key -out signature message";
    let signed = Command::new("openssl").args(words.split(' ')).current_dir(folder.path()).status().unwrap();
    assert!(signed.success());
    let signature = [&[0], &fs::read(folder.path().join("signature")).unwrap()[..]].concat();
    long(0x30, &[message, ecdsa, short(0x03, &signature)].concat())
}

#[test]
fn nobody_waits_for_the_signature_of_a_long_list() {
    let authority = authority("Essai");
    let known = vec![authority.certificate().clone()];
    let feed = Arc::new(Feed::new(Source::File("long.crl".into()), known, 1 << 30));
    feed.offer(&list(&authority, "01", 19), NOW).unwrap();
    let offered = feed.parse(&heavy(&authority)).unwrap();
    let taken = Arc::clone(&feed);
    let taking = std::thread::spawn(move || {
        let begun = Instant::now();
        assert_eq!(taken.take(&offered, NOW).unwrap(), Taken::New);
        begun.elapsed()
    });
    let mut longest = Duration::ZERO;
    while !taking.is_finished() {
        let asked = Instant::now();
        assert_eq!(feed.lists().iter().count(), 1);
        longest = longest.max(asked.elapsed());
    }
    let took = taking.join().unwrap();
    assert!(longest < took / 2, "one waited for {longest:?} of {took:?}");
    assert_eq!(feed.epoch(), 2);
}
