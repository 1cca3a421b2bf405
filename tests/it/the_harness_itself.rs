//! The ground that the other tests stand on holds.

use std::io::Write;
use std::process::Command;

use sceau_tests::{Needle, Program, Scratch, free_port, memory_of, search};

#[test]
fn a_program_is_ready_when_it_says_so_and_stops_when_asked() {
    let scratch = Scratch::new("harness");
    let script = r#"echo starting; echo '{"ready":true,"platform":{"url":"http://x"}}'; echo more; echo error >&2; exec cat"#;
    let fifo = scratch.join("fifo");
    Program::other("mkfifo").arg(&fifo).run().success();
    // `cat` on a pipe that nobody writes to runs until it is told to stop.
    let mut running =
        Program::other("sh").args(["-c", &format!("{script} {}", fifo.display())]).start(scratch.path());
    assert_eq!(running.said("/platform/url"), "http://x");
    assert_eq!(running.wait_for("more"), "more");
    assert!(running.log().contains("starting"));
    let status = running.stop();
    assert!(!status.success(), "a signal ended it");
}

#[test]
fn what_a_program_does_can_be_waited_for() {
    let scratch = Scratch::new("harness");
    let file = scratch.join("made");
    let mut running = Program::other("sh")
        .args(["-c", "echo here > \"$0\"; exec sleep 600"])
        .arg(&file)
        .launch(scratch.path());
    let said = running.until(|| std::fs::read_to_string(&file).ok().filter(|text| !text.is_empty()));
    assert_eq!(said, "here\n");
}

#[test]
fn a_program_that_dies_early_is_told_apart() {
    let scratch = Scratch::new("harness");
    let start = || Program::other("sh").args(["-c", "echo no >&2; exit 3"]).start(scratch.path());
    let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(start)).unwrap_err();
    let words = died.downcast::<String>().unwrap();
    assert!(words.contains("ended before it was ready") && words.contains("no"), "{words}");
}

#[test]
fn children_die_with_a_test_that_is_killed() {
    // A shell stands for the test: it starts a child as `Program` does, and is then killed as a crash would.
    let mut parent = Command::new("sh")
        .args(["-c", "setpriv --pdeathsig KILL -- sh -c 'echo $$; exec sleep 600' & wait"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(parent.stdout.take().unwrap()), &mut line)
        .unwrap();
    let child: u32 = line.trim().parse().unwrap();
    parent.kill().unwrap();
    parent.wait().unwrap();
    let state = || std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
    // It is gone, or waits only for somebody to reap it (state Z), as soon as the kernel has delivered the signal.
    let gone = (0..1000).any(|_| {
        std::thread::park_timeout(std::time::Duration::from_millis(5));
        state().is_empty() || state().contains(") Z ")
    });
    assert!(gone, "{}", state());
}

#[test]
fn output_exit_code_and_input_are_kept_apart() {
    let scratch = Scratch::new("harness");
    let input = scratch.write("in.bin", [0, 159, 146, 150]);
    let finished = Program::other("sh").args(["-c", "cat; echo oops >&2; exit 4"]).reading(&input).run();
    assert_eq!((finished.code, finished.stdout.as_slice()), (Some(4), [0, 159, 146, 150].as_slice()));
    assert_eq!(finished.stderr, "oops\n");
}

#[test]
fn the_clock_of_a_program_can_be_moved() {
    let finished = Program::other("date").arg("+%Y-%m-%d").at_time("2031-05-20 12:00:00").run().success();
    assert_eq!(finished.text().trim(), "2031-05-20");
}

#[test]
fn ports_are_free_when_given() {
    std::net::TcpListener::bind(("127.0.0.1", free_port())).unwrap();
}

#[test]
fn a_needle_is_found_in_each_of_its_forms_and_nowhere_else() {
    let secret: Vec<u8> = (0..32u8).map(|i| i.wrapping_mul(97).wrapping_add(251)).collect();
    let needle = [Needle::new("secret", &secret)];
    let found = |haystack: &[u8]| !search("here", haystack, &needle).is_empty();
    let hex: String = secret.iter().map(|b| format!("{b:02X}")).collect();
    assert!(found(&[b"before".as_slice(), &secret, b"after"].concat()));
    assert!(found(hex.as_bytes()) && found(hex.to_lowercase().as_bytes()));
    for before in 0..4 {
        let whole = [&vec![7; before], secret.as_slice(), b"and more after it"].concat();
        for alphabet in [base64::alphabet::STANDARD, base64::alphabet::URL_SAFE] {
            let engine = base64::engine::GeneralPurpose::new(&alphabet, base64::engine::general_purpose::PAD);
            assert!(found(base64::Engine::encode(&engine, &whole).as_bytes()), "{before} bytes before");
        }
    }
    let mut other = secret.clone();
    other[31] ^= 1;
    assert!(!found(&other));
}

#[test]
fn live_memory_shows_what_a_process_holds() {
    let scratch = Scratch::new("memory");
    let canary = Needle::text("canary", "a canary that sings in memory 4711");
    let script = r#"v="a canary that sings"; v="$v in memory"; v="$v 4711"; echo '{"ready":true}'; read line < "$FIFO"; echo "$v""#;
    let fifo = scratch.join("fifo");
    Program::other("mkfifo").arg(&fifo).run().success();
    let mut running = Program::other("sh").args(["-c", script]).env("FIFO", &fifo).start(scratch.path());
    let regions = memory_of(running.pid()).unwrap();
    let found: Vec<_> = regions
        .iter()
        .flat_map(|(place, bytes)| search(place, bytes, std::slice::from_ref(&canary)))
        .collect();
    assert!(!found.is_empty(), "{} regions read", regions.len());
    writeln!(std::fs::File::options().write(true).open(&fifo).unwrap(), "go on").unwrap();
    running.wait_for("4711");
}
