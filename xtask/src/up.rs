//! `cargo xtask up`: build what is needed, start everything here, keep its data and ports for the next start.

use std::io::IsTerminal;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::process::{cargo, must, root, target};
use crate::test::stages::{Log, pages, pages_are_built};
use crate::{Stop, browse, machine};

/// Where the demonstration lives; git ignores it, and deleting it starts anew.
const DATA: &str = ".sceau";

/// Builds, then becomes `sceau up`: signals, exit code and terminal are its own from there.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, Stop> {
    let Asked { browser, data, passed } = Asked::parse(arguments)?;
    machine::ready_to_build()?;
    if browser {
        machine::ready_to_browse()?;
    }
    build()?;
    // It is our child, and stays `sceau up`'s when we become it.
    let _browser = browser.then(|| browse::start(&root().join(&data))).transpose()?;
    let mut sceau = Command::new(target().join("debug/sceau"));
    sceau.args(["up", "--demonstration", "--data"]).arg(data).args(passed).current_dir(root());
    let error = sceau.exec();
    Err(Stop::machine(format!("xtask: {} cannot start: {error}", sceau.get_program().display())))
}

#[derive(Debug, PartialEq, Eq)]
struct Asked {
    browser: bool,
    data: PathBuf,
    /// What `sceau up` takes itself.
    passed: Vec<String>,
}

impl Asked {
    fn parse(arguments: &[String]) -> Result<Self, Stop> {
        let mut asked = Self { browser: false, data: DATA.into(), passed: Vec::new() };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--browser" => asked.browser = true,
                "--data" => {
                    let folder = arguments.next().ok_or_else(|| Stop::usage("--data takes a folder"))?;
                    asked.data = std::path::absolute(folder).map_err(Stop::usage)?;
                }
                "--antivirus" => {
                    let address = arguments.next().ok_or_else(|| {
                        Stop::usage("--antivirus takes an address: unix:/run/clamav/clamd.ctl")
                    })?;
                    asked.passed.extend(["--antivirus".to_owned(), address.clone()]);
                }
                other => {
                    let words = "up takes --data FOLDER, --antivirus ADDRESS and --browser";
                    return Err(Stop::usage(format!("`{other}` is not an option of up: {words}")));
                }
            }
        }
        Ok(asked)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_ones_own_is_taken_from_where_one_stands() {
        let parse = |words: &[&str]| Asked::parse(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>());
        let asked = Asked { browser: false, data: DATA.into(), passed: vec![] };
        assert_eq!(parse(&[]).unwrap(), asked);
        let here = std::env::current_dir().unwrap().join("mine");
        let asked = parse(&["--data", "mine", "--browser"]).unwrap();
        assert_eq!(asked, Asked { browser: true, data: here, passed: vec![] });
        let two = ["--antivirus", "unix:/one", "--antivirus", "tcp:127.0.0.1:3311"];
        assert_eq!(parse(&two).unwrap().passed, two, "each is passed on");
        assert!(parse(&["--antivirus"]).is_err());
        assert!(parse(&["--data"]).is_err());
        assert!(parse(&["--", "--data"]).is_err());
    }
}
