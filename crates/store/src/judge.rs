//! Real servers, and clients that we did not write, started for a test: each judges what we say to it.
//!
//! For tests only (feature `judge`). Each has a scratch folder of its own and dies with the test.

mod clamd;
mod hr;
mod postgres;
mod rabbitmq;
mod stand_in;

use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};

pub use clamd::{BINARY_SIGNATURE, BINARY_SIGNATURE_NAME, ClamavJudge};
pub use hr::HrJudge;
pub use postgres::PostgresJudge;
pub use rabbitmq::{Certified, RabbitJudge};
pub use stand_in::StandIn;

type Order = (Command, Sender<std::io::Result<Child>>);

/// Spawns from one thread that lives as long as we do: the kernel sends a child its death signal when the thread that made it ends.
fn spawn(command: Command) -> std::io::Result<Child> {
    static SPAWNER: OnceLock<Mutex<Sender<Order>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, orders) = channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in orders {
                let _ = answer.send(command.spawn());
            }
        });
        Mutex::new(sender)
    });
    let (sender, answer) = channel();
    let gone = |_| std::io::Error::other("the spawning thread has ended");
    spawner.lock().unwrap_or_else(PoisonError::into_inner).send((command, sender)).map_err(|_| gone(()))?;
    answer.recv().map_err(|_| gone(()))?
}

/// A user's number; of this process, if `user` is empty.
fn user_id(user: &str) -> Result<u32, String> {
    number("-u", user)
}

/// The number of a user's group; of this process's, if `user` is empty.
fn group_id(user: &str) -> Result<u32, String> {
    number("-g", user)
}

fn number(option: &str, user: &str) -> Result<u32, String> {
    let mut command = Command::new("id");
    command.arg(option);
    if !user.is_empty() {
        command.arg(user);
    }
    let output = command.output().map_err(|error| error.to_string())?;
    String::from_utf8_lossy(&output.stdout).trim().parse().map_err(|_| format!("there is no user {user}"))
}
