//! A campaign of `kill -9` around Mon Compte Mobilité's host: mobility services subscribe with files, a company's own system takes each message from
//! its queue and answers over the bus, while platform, element and MOB's host are killed at random moments and started again. In the end everything
//! that was acknowledged is there, decided once, and nothing is half done.
//!
//! As in `random_kills_lose_nothing`, a seed says who and when; `SCEAU_KILLS` says how many.

mod afterwards;
mod work;

use std::sync::Arc;
use std::time::Duration;

use sceau_tests::{Chance, MobStage, number};

use work::{Busy, Work};

/// Kills of a run of the tests. A campaign has a thousand.
const KILLS: u32 = 6;
/// The longest pause between a start and the next kill.
const PAUSE_MS: u64 = 400;

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Platform,
    Element,
    Host,
}

const VICTIMS: [Victim; 3] = [Victim::Platform, Victim::Element, Victim::Host];

impl Victim {
    /// Ends it as a power cut would, and starts it again.
    fn killed_and_back(self, stage: &mut MobStage) {
        let running = match self {
            Self::Platform => &mut stage.house.platform,
            Self::Element => &mut stage.house.element,
            Self::Host => &mut stage.host,
        };
        running.take().expect("it runs").kill();
        match self {
            Self::Platform => stage.house.start_platform(),
            Self::Element => stage.house.start_element(),
            Self::Host => stage.start_host(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_decided_once_and_nothing_is_half_done() {
    let kills = number("SCEAU_KILLS", u64::from(KILLS));
    let mut chance = Chance::of(number("SCEAU_SEED", 1));
    let mut stage = MobStage::start("random-kills-mob").await;
    let work = Arc::new(Work::new(&stage));
    let busy = Busy::start(&work, &stage);
    let mut fallen = [0_u64; VICTIMS.len()];
    for _ in 0..kills {
        let which = usize::try_from(chance.below(VICTIMS.len() as u64)).unwrap();
        tokio::time::sleep(Duration::from_millis(chance.below(PAUSE_MS))).await;
        tokio::task::block_in_place(|| VICTIMS[which].killed_and_back(&mut stage));
        fallen[which] += 1;
        busy.is_well();
    }
    let done = busy.finish().await;
    let counts: Vec<String> =
        VICTIMS.iter().zip(fallen).map(|(victim, times)| format!("{victim:?} {times}")).collect();
    eprintln!(
        "{kills} kills ({}); {} subscriptions were acknowledged and as many decisions taken over the bus, {} messages came again",
        counts.join(", "),
        done.subscriptions.len(),
        done.repeated(),
    );
    assert!(!done.subscriptions.is_empty(), "nothing was done");
    afterwards::nothing_is_lost(&mut stage, &done).await;
}
