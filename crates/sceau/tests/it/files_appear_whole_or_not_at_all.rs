//! Outputs: atomic, never overwriting unasked, never half there, whatever ends the program.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Stdio;

use crate::support::{Desk, content, finish};

#[test]
fn existing_files_are_not_overwritten_unless_forced() {
    let desk = Desk::with_key();
    desk.write("a.txt", b"new");
    desk.run(&["seal", "--to", "k.pub", "a.txt"]).ok();
    let sealed = desk.read("a.txt.sceau");
    let ran = desk.run(&["seal", "--json", "--to", "k.pub", "a.txt"]).failed(2, "exists already");
    assert_eq!(ran.error_json()["code"], "exists");
    assert_eq!(desk.read("a.txt.sceau"), sealed, "untouched");

    desk.write("a.txt", b"precious");
    desk.open(&["a.txt.sceau"]).failed(2, "--force");
    assert_eq!(desk.read("a.txt"), b"precious");
    desk.open(&["--force", "a.txt.sceau"]).ok();
    assert_eq!(desk.read("a.txt"), b"new");
    assert_eq!(desk.names(), ["a.txt", "a.txt.sceau", "k.key", "k.pub", "passphrase"]);
}

#[test]
fn a_failed_overwrite_keeps_the_old_file() {
    let desk = Desk::with_key();
    let mut sealed = desk.pipe(&["seal", "--to", "k.pub"], &content(3 << 20)).ok().stdout;
    let last = sealed.len() - 1;
    sealed[last] ^= 1;
    desk.write("s", &sealed);
    desk.write("old", b"precious");
    desk.open(&["--force", "-o", "old", "s"]).failed(3, "part 3");
    assert_eq!(desk.read("old"), b"precious");
}

#[test]
fn a_link_is_replaced_and_not_followed() {
    let desk = Desk::with_key();
    desk.write("victim", b"precious");
    symlink("victim", desk.path("out")).unwrap();
    desk.pipe(&["seal", "--to", "k.pub", "-o", "out"], b"x").failed(2, "exists already");
    desk.pipe(&["seal", "--to", "k.pub", "--force", "-o", "out"], b"x").ok();
    assert_eq!(desk.read("victim"), b"precious");
    assert!(desk.path("out").symlink_metadata().unwrap().is_file());
}

#[test]
fn killed_in_the_middle_it_leaves_nothing() {
    let desk = Desk::with_key();
    let before = desk.names();
    let mut command = desk.sceau(&["seal", "--to", "k.pub", "-o", "out"]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // More than a pipe and all buffers hold: when this returns, parts have been written.
    child.stdin.as_mut().unwrap().write_all(&content(24 << 20)).unwrap();
    assert_eq!(desk.names(), before, "nothing to see while it works");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(desk.names(), before);
}

#[test]
fn an_output_that_fails_is_the_systems_fault() {
    let desk = Desk::with_key();
    desk.write("f", &content(1 << 20));
    let mut command = desk.sceau(&["seal", "--json", "--to", "k.pub", "-o", "-", "f"]);
    command.stdout(fs::File::options().write(true).open("/dev/full").unwrap());
    let ran = finish_with_stdout(command);
    assert_eq!((ran.0, ran.1["code"].as_str().unwrap()), (1, "stream_write"), "{}", ran.1);
    desk.run(&["seal", "--to", "k.pub", "-o", "nowhere/f.sceau", "f"]).failed(1, "nowhere");
    desk.run(&["seal", "--to", "k.pub", "-o", "/dev/null", "--force", "f"]).failed(2, "is not a file");
}

#[test]
fn documents_in_clear_are_for_their_reader_alone() {
    let desk = Desk::with_key();
    desk.write("f", b"x");
    desk.run(&["seal", "--to", "k.pub", "f"]).ok();
    desk.open(&["-o", "clear", "f.sceau"]).ok();
    assert_eq!(fs::metadata(desk.path("clear")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn inputs_that_are_not_there_or_are_folders_say_so() {
    let desk = Desk::with_key();
    desk.run(&["seal", "--to", "k.pub", "absent"]).failed(2, "there is no file absent");
    desk.run(&["seal", "--to", "k.pub", "."]).failed(2, "is a folder: pack it first");
    desk.run(&["seal", "--to", "k.pub", "--to", "k.pub", "passphrase"]).failed(2, "named twice");
    desk.run(&["seal", "passphrase"]).failed(2, "--to");
    assert_eq!(desk.names(), ["k.key", "k.pub", "passphrase"]);
}

#[test]
fn with_several_files_those_before_the_failure_are_there() {
    let desk = Desk::with_key();
    desk.write("a", b"a");
    desk.run(&["seal", "--to", "k.pub", "a", "absent"]).failed(2, "absent");
    desk.open(&["-o", "back", "a.sceau"]).ok();
    assert_eq!(desk.read("back"), b"a");
}

/// Standard output is the caller's; the error is JSON.
fn finish_with_stdout(mut command: std::process::Command) -> (i32, serde_json::Value) {
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), serde_json::from_slice(&output.stderr).unwrap())
}

#[test]
fn nothing_to_read_is_said_at_once() {
    let desk = Desk::with_key();
    // Standard input is /dev/null here: an empty document, which is one.
    let ran = finish(desk.sceau(&["seal", "--to", "k.pub"])).ok();
    assert!(ran.stdout.starts_with(b"sceau"));
}
