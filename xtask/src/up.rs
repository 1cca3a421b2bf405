//! `cargo xtask up`: build what is needed, start everything here, keep its data and ports for the next start.

use std::io::IsTerminal;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::process::{cargo, must, root, target};
use crate::test::stages::{Log, pages, pages_are_built};
use crate::{Stop, browse, machine};

/// Where the demonstration lives; git ignores it, and deleting it starts anew.
const DATA: &str = ".sceau";

/// Builds, then becomes `sceau up`: signals, exit code and terminal are its own from there.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, Stop> {
    let (ours, theirs) = match arguments.iter().position(|a| a == "--") {
        Some(at) => (arguments.get(..at).unwrap_or_default(), arguments.get(at + 1..).unwrap_or_default()),
        None => (arguments, [].as_slice()),
    };
    let browser = match ours {
        [] => false,
        [one] if one == "--browser" => true,
        _ => return Err(Stop::usage("up takes --browser, and after -- what `sceau up` takes")),
    };
    machine::ready_to_build()?;
    if browser {
        machine::ready_to_browse()?;
    }
    build()?;
    // It is our child, and stays `sceau up`'s when we become it.
    let _browser = browser.then(|| browse::start(&root().join(DATA))).transpose()?;
    let mut sceau = Command::new(target().join("debug/sceau"));
    sceau.args(["up", "--demonstration", "--data", DATA]).args(theirs).current_dir(root());
    let error = sceau.exec();
    Err(Stop::machine(format!("xtask: {} cannot start: {error}", sceau.get_program().display())))
}

/// Pages first, since the programs hold them. The development profile, because it is the one that the tests build: a
/// first start costs a third of a release build and later ones seconds, and the cryptography is optimised in it
/// (its arithmetic is aws-lc's assembly, and every dependency has opt-level 1).
fn build() -> Result<(), Stop> {
    let began = Instant::now();
    let logs = target().join("xtask");
    std::fs::create_dir_all(&logs).map_err(|e| Stop::machine(format!("xtask: {}: {e}", logs.display())))?;
    let log = Log(logs.join("up.log"));
    let _ = std::fs::remove_file(&log.0);
    if !pages_are_built() {
        println!("building the pages");
        pages(&log).map_err(|why| Stop::failed(format!("{}\nxtask: {why}", log.text())))?;
    }
    println!("building the programs (the first time takes some minutes)");
    let mut programs = cargo();
    programs.args(["build", "--package", "sceau", "--package", "sceau-element", "--bins"]);
    // A person sees how far it is; a file gets no line for each crate.
    if !std::io::stderr().is_terminal() {
        programs.arg("--quiet");
    }
    must(&mut programs)?;
    println!("built in {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}
