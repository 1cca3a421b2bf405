//! The token is pulled out while applications ask for keys, and put back: who was answered was answered rightly, who was not may bring the same call again, and each
//! reading is counted once.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::keys_in_a_token::{address, beside_a_token};
use crate::kill::Program;
use crate::killed_under_calls::begin;

#[test]
fn a_token_that_goes_and_comes_back_under_calls_loses_none() {
    let name = "token_gone_under_calls::a_token_that_goes_and_comes_back_under_calls_loses_none";
    beside_a_token(name, async |folder| gone_and_back(&folder).await);
}

async fn gone_and_back(folder: &Path) {
    let address = address(folder);
    let arguments = ["--keystore-token", &address, "--protect-tenants", "1"];
    let (_program, _) = Program::start_with(folder, &arguments).unwrap();
    let (_, callers) = begin(folder, 3, 1).await;
    let stop = Arc::new(AtomicBool::new(false));
    let told = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let asking: Vec<_> = callers
        .into_iter()
        .map(|caller| {
            let client = Program::client(folder);
            tokio::spawn(caller.until_stopped(client, Arc::clone(&stop), told.clone()))
        })
        .collect();
    let reaches = async |more: usize| {
        let enough = told.0.load(Ordering::Relaxed) + more;
        while told.0.load(Ordering::Relaxed) < enough {
            // Whoever waits leaves the processor to those who are waited for.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    reaches(6).await;
    let (there, away) = (folder.join("tokens"), folder.join("pulled-out"));
    fs::rename(&there, &away).unwrap();
    fs::create_dir(&there).unwrap();
    // What was with the writer may still come; then nobody is answered.
    let without = tokio::time::timeout(Duration::from_secs(3), reaches(12)).await;
    assert!(without.is_err(), "keys were given out without the token");
    fs::remove_dir(&there).unwrap();
    fs::rename(&away, &there).unwrap();
    let gone_on = tokio::time::timeout(Duration::from_secs(120), reaches(12)).await;
    gone_on.unwrap_or_else(|_| {
        panic!("it does not go on: {}", fs::read_to_string(folder.join("said")).unwrap())
    });
    stop.store(true, Ordering::Relaxed);
    let client = Program::client(folder);
    for caller in asking {
        caller.await.unwrap().check(&client).await;
    }
}
