//! `cargo xtask test`: every check and test, each stage timed, one line at the end.

mod counts;
mod schedule;
pub(crate) mod stages;

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use counts::Counts;
use stages::{Log, STAGES, Stage};

use crate::process::{root, target};
use crate::{Stop, machine};

/// Runs the stages asked for.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, Stop> {
    let Some(asked) = Asked::parse(arguments)? else {
        for stage in STAGES {
            println!("{:<8} {}", stage.name, stage.about);
        }
        return Ok(ExitCode::SUCCESS);
    };
    machine::ready_to_test()?;
    let logs = target().join("xtask");
    std::fs::create_dir_all(&logs).map_err(|e| Stop::machine(format!("xtask: {}: {e}", logs.display())))?;
    let began = Instant::now();
    let sum = Mutex::new(Counts::default());
    let jobs: Vec<Job<'_>> = asked
        .stages
        .iter()
        .map(|stage| Job {
            stage,
            log: Log(logs.join(format!("{}.log", stage.name))),
            sum: &sum,
            verbose: asked.verbose,
        })
        .collect();
    let unreachable = schedule::run_all(&jobs);
    let sum = *sum.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(conclude(sum, &unreachable, began.elapsed()))
}

struct Asked {
    stages: Vec<&'static Stage>,
    verbose: bool,
}

impl Asked {
    /// `None` when the list of stages is what was asked for.
    fn parse(arguments: &[String]) -> Result<Option<Self>, Stop> {
        let (mut only, mut verbose) = (Vec::new(), false);
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--list" => return Ok(None),
                "--verbose" => verbose = true,
                "--only" => match arguments.next().and_then(|name| STAGES.iter().find(|s| s.name == name)) {
                    Some(stage) => only.push(stage.name),
                    None => return Err(Stop::usage("--only takes the name of a stage; --list shows them")),
                },
                other => return Err(Stop::usage(format!("`{other}` is not an option of test"))),
            }
        }
        let stages = STAGES.iter().filter(|s| only.is_empty() || only.contains(&s.name)).collect();
        Ok(Some(Self { stages, verbose }))
    }
}

struct Job<'a> {
    stage: &'static Stage,
    log: Log,
    sum: &'a Mutex<Counts>,
    verbose: bool,
}

impl schedule::Task for Job<'_> {
    fn name(&self) -> &'static str {
        self.stage.name
    }

    fn needs(&self) -> &'static [&'static str] {
        self.stage.needs
    }

    fn lane(&self) -> &'static str {
        self.stage.lane
    }

    fn perform(&self) -> bool {
        let Stage { name, about, work, .. } = self.stage;
        let _ = std::fs::remove_file(&self.log.0);
        println!("▸ {name:<8} {about}");
        let began = Instant::now();
        let result = work(&self.log);
        let text = self.log.text();
        let counts = judged(Counts::read(&text), &result);
        self.sum.lock().unwrap_or_else(PoisonError::into_inner).add(counts);
        let mark = if result.is_ok() { "✓" } else { "✗" };
        println!("{mark} {name:<8} {:>6}  {}", seconds(began.elapsed()), said(counts));
        if self.verbose || result.is_err() {
            print_log(name, &text, self.verbose);
        }
        for test in failed_tests(&text) {
            println!("  {name} │ failed: {test}");
        }
        if let Err(trouble) = &result {
            let shown = self.log.0.strip_prefix(root()).unwrap_or(&self.log.0).display().to_string();
            println!("✗ {name}: {trouble}\n  the whole log: {shown}");
        }
        result.is_ok()
    }
}

/// A stage that counts nothing is one check; a stage that fails has at least one failure.
fn judged(mut counts: Counts, result: &Result<(), String>) -> Counts {
    match result {
        Err(_) if counts.failed == 0 => counts.failed = 1,
        Ok(()) if !counts.any() => counts.passed = 1,
        _ => {}
    }
    counts
}

fn said(counts: Counts) -> String {
    let Counts { passed, failed, skipped } = counts;
    let mut text = format!("{passed} passed");
    if failed > 0 {
        text += &format!(", {failed} failed");
    }
    if skipped > 0 {
        text += &format!(", {skipped} skipped");
    }
    text
}

/// What a person needs of a log: all of it when asked, else the part that tells what failed.
fn print_log(name: &str, text: &str, whole: bool) {
    let lines: Vec<&str> = text.lines().collect();
    let shown = if whole { lines.as_slice() } else { telling(&lines) };
    for line in shown {
        println!("  {name} │ {line}");
    }
}

/// From the first error or list of failures on, or else the end.
fn telling<'l, 't>(lines: &'l [&'t str]) -> &'l [&'t str] {
    const MOST: usize = 150;
    let marks = ["error", "failures:", "✖ failing tests:", "Traceback", "FAIL"];
    let first = lines.iter().position(|line| marks.iter().any(|mark| line.trim_start().starts_with(mark)));
    let from = first.unwrap_or_else(|| lines.len().saturating_sub(60));
    let rest = lines.get(from..).unwrap_or_default();
    rest.get(..MOST).unwrap_or(rest)
}

/// The names of cargo's failed tests: the telling part may be cut before their list.
fn failed_tests(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn conclude(sum: Counts, unreachable: &[&str], took: Duration) -> ExitCode {
    println!();
    if !unreachable.is_empty() {
        println!("not run, since what they need failed: {}", unreachable.join(", "));
    }
    if sum.skipped > 0 {
        println!("{} skipped by their own runners", sum.skipped);
    }
    println!("in {}", seconds(took));
    println!("{} passed, {} failed", sum.passed, sum.failed);
    if sum.failed == 0 && unreachable.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_stage_always_counts() {
        let broken = Err("cargo failed".to_owned());
        assert_eq!(judged(Counts::default(), &broken).failed, 1);
        assert_eq!(judged(Counts { passed: 3, failed: 2, skipped: 0 }, &broken).failed, 2);
        assert_eq!(judged(Counts::default(), &Ok(())), Counts { passed: 1, failed: 0, skipped: 0 });
    }

    #[test]
    fn the_telling_part_of_a_log_starts_at_its_first_error() {
        assert_eq!(telling(&["Compiling", "error[E1]: no", " --> here"]), ["error[E1]: no", " --> here"]);
        assert_eq!(telling(&["ok", "failures:", "  a_test"]), ["failures:", "  a_test"]);
        assert_eq!(telling(&["only", "words"]), ["only", "words"]);
    }

    #[test]
    fn failed_tests_are_named() {
        let log = "test a::b ... ok\ntest a::c ... FAILED\ntest result: FAILED. 1 passed; 1 failed\n";
        assert_eq!(failed_tests(log).collect::<Vec<_>>(), ["a::c"]);
    }

    #[test]
    fn only_known_stages_are_accepted() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let names = |text: &str| {
            let asked = Asked::parse(&words(text)).unwrap().unwrap();
            asked.stages.iter().map(|s| s.name).collect::<Vec<_>>()
        };
        assert_eq!(names("--only lint --only house"), ["house", "lint"]);
        assert_eq!(names("--verbose").len(), STAGES.len());
        assert!(Asked::parse(&words("--only nothing")).is_err());
        assert!(Asked::parse(&words("--only")).is_err());
        assert!(Asked::parse(&words("--list")).unwrap().is_none());
    }
}
