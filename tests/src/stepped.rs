//! A program that stops at each thing that it makes durable, under `strace`, and goes on until the thing is the one that a test waits for.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process};

use crate::Running;
use crate::hold::{Held, Hold};
use crate::program::Program;

type Rule = Box<dyn FnMut() -> bool + Send>;

/// The rule by which a stepped program is held.
#[derive(Clone, Default)]
pub struct Steps {
    plan: Arc<Mutex<Option<(Rule, Held)>>>,
}

impl std::fmt::Debug for Steps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Steps")
    }
}

impl Steps {
    /// Holds the program at the first thing made durable after which `rule` says so: all its threads stand still, the call that made it
    /// durable (`fsync`, `fdatasync`) is done, and the program does not know it yet.
    pub fn hold(&self, rule: impl FnMut() -> bool + Send + 'static) -> Hold {
        let (hold, held) = Hold::new();
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = Some((Box::new(rule), held));
        hold
    }

    /// Called while the program stands still; whether it may go on.
    fn passes(&self) -> bool {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        let held = plan.take_if(|(rule, held)| held.is_awaited() && rule());
        drop(plan);
        held.is_none_or(|(_, held)| held.blocking_wait())
    }
}

impl Program {
    /// Starts it so that it can be held at what it makes durable.
    ///
    /// It is stopped by a signal (`SIGSTOP`) at the end of the call, and continued by another: nothing in it knows of this. The program
    /// is our own child and `strace` is not (`-D`), so that process ids and deaths are what they are without. What is held at before this
    /// is called cannot be missed, and must not be before the program says that it is ready.
    pub fn start_stepped(&self, logs: &Path, steps: &Steps) -> Running {
        std::fs::create_dir_all(logs).expect("the folder of logs");
        let told = logs.join("stepped");
        Program::other("mkfifo").arg(&told).run().success();
        let (reading, stepping) = (told.clone(), steps.clone());
        std::thread::spawn(move || follow(&reading, &stepping));
        let calls = ["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:signal=SIGSTOP"];
        self.under(["strace", "-D", "-f", "-o"].map(Into::into), &told, &calls).start(logs)
    }
}

/// Reads what `strace` tells of each thread, and lets the program go on after each stop until the plan says not to.
fn follow(told: &Path, steps: &Steps) {
    let told = std::fs::File::open(told).expect("our own pipe");
    let mut signalled = None;
    for line in BufReader::new(told).lines().map_while(Result::ok) {
        let Some((thread, what)) = line.split_once(' ') else { continue };
        if what.trim_start().starts_with("--- SIGSTOP {") {
            signalled = Some(thread.to_owned());
        } else if what.contains("--- stopped by SIGSTOP ---") && signalled.as_deref() == Some(thread) {
            // The signal has done its work: only now does another one end it.
            signalled = None;
            if steps.passes() {
                let thread = thread.parse().ok().and_then(Pid::from_raw).expect("a thread's number");
                let _ = kill_process(thread, Signal::CONT);
            }
        }
    }
}
