#![allow(clippy::unwrap_used, reason = "tests state what must hold")]
use sceau_element_api::KeyringId;
use sceau_store::ManualClock;

use super::*;

const SECONDS: u64 = 180;

struct Stage {
    bounds: Arc<Bounds>,
    clock: Arc<ManualClock>,
    marie: KeyringId,
}

fn stage() -> Stage {
    let clock = Arc::new(ManualClock::at(HOUR));
    Stage { bounds: Arc::new(Bounds::new(Arc::clone(&clock) as _)), clock, marie: KeyringId::random() }
}

fn at(number: u8) -> Asks {
    Asks::stranger([192, 0, 2, number].into())
}

impl Stage {
    fn turn(&self, hint: &str, asks: Asks) -> Option<Turn> {
        let keyring = hint.starts_with("marie").then_some(self.marie);
        self.bounds.turn(&Whom { hint: hint.to_owned(), keyring }, asks, SECONDS)
    }

    /// Whether Marie is asked, and does not answer.
    fn rings(&self, asks: Asks) -> bool {
        let turn = self.turn("marie", asks);
        self.clock.advance(SECONDS * 1000);
        turn.is_some_and(|turn| turn.is_to_be_asked())
    }
}

#[test]
fn strangers_leave_the_holders_own_browsers_their_turn() {
    let it = stage();
    let held: Vec<_> = [at(1), Asks::remembered(), Asks::site("s"), Asks::remembered()]
        .map(|asks| it.turn("marie", asks))
        .into();
    assert!(held.iter().flatten().all(Turn::is_to_be_asked) && held.iter().all(Option::is_some));
    assert!(it.turn("marie", at(2)).is_none(), "one at a time, wherever they are");
    drop(held);
    let asked = (0..15_u8).filter(|number| it.rings(at(*number / 3))).count();
    assert_eq!(asked, 7, "eight within an hour");
    assert!((0..8).all(|_| it.rings(Asks::remembered())), "who is remembered still is");
    it.clock.advance(HOUR);
    assert!(it.rings(at(1)));
}

#[test]
fn strangers_with_many_addresses_take_neither_remembered_browsers_nor_sites_from_others() {
    let it = stage();
    let mut waiting = Vec::new();
    for number in 0..u32::try_from(MOST).unwrap() {
        let address = std::net::Ipv6Addr::from_bits(u128::from(number) << 64);
        waiting.push(it.turn(&format!("somebody{number}"), Asks::stranger(address.into())).unwrap());
    }
    assert!(it.turn("nobody", at(1)).is_none(), "all of them wait");
    assert!(it.turn("marie", Asks::remembered()).is_some());
    assert!(it.turn("marie", Asks::site("library")).is_some());
    assert!(it.turn("marie", Asks::signature("notary")).is_some());
    drop(waiting);
    assert!(it.turn("marie", at(1)).is_some(), "who asked once and waits no more makes room");
}

#[test]
fn a_no_is_for_who_asked_and_a_yes_costs_them_nothing() {
    let it = stage();
    it.turn("marie", at(1)).unwrap().refused();
    assert!(it.turn("marie", at(1)).is_none());
    it.turn("marie", at(2)).unwrap().refused();
    it.turn("marie", at(3)).unwrap();
    assert!(it.turn("pierre", at(1)).is_some(), "another holder");
    // One address has three of the eight that nobody answered.
    for _ in 0..5 {
        it.turn("marie", at(4)).unwrap().agreed();
    }
    it.clock.advance(HOUR);
    assert!([true, true, true, false].into_iter().all(|rings| it.rings(at(1)) == rings));
    assert!(it.rings(at(5)));
    // Who gave up is told to say no on the terminal.
    let turn = it.turn("marie", at(6)).unwrap();
    it.bounds.given_up(turn.counted());
    turn.refused();
    assert!(it.turn("marie", at(6)).is_some());
}

#[test]
fn which_names_are_one_holder_shows_to_nobody() {
    let it = stage();
    let first = it.turn("marie", at(1)).unwrap();
    let (second, nobody) = (it.turn("marie.curie", at(2)).unwrap(), it.turn("nobody", at(2)).unwrap());
    assert!(first.is_to_be_asked() && !second.is_to_be_asked() && !nobody.is_to_be_asked());
    assert!(it.turn("marie.curie", at(2)).is_none() && it.turn("nobody", at(2)).is_none());
    // A site neither: not even that another one asks.
    let sites = ["one", "two"].map(|site| it.turn("marie", Asks::site(site)));
    let rings = sites.each_ref().map(|turn| turn.as_ref().is_some_and(Turn::is_to_be_asked));
    assert_eq!((rings, sites.iter().flatten().count()), ([true, false], 2));
}

#[test]
fn an_application_leaves_the_holder_their_logins() {
    let it = stage();
    let held: Vec<_> = (0..4).filter_map(|_| it.turn("", Asks::signature("notary"))).collect();
    assert_eq!(held.len(), 0, "nobody of that name");
    let held: Vec<_> = (0..4).filter_map(|_| it.turn("marie", Asks::signature("notary"))).collect();
    assert_eq!(held.len(), 2);
    assert!(it.turn("marie", Asks::remembered()).is_some() && it.turn("marie", at(1)).is_some());
    drop(held);
    assert_eq!((0..30).filter(|_| it.turn("marie", Asks::signature("notary")).is_some()).count(), 10);
    assert_eq!((0..30).filter(|_| it.turn("marie", Asks::signature("other")).is_some()).count(), 4);
    assert_eq!((0..30).filter(|_| it.turn("marie", Asks::remembered()).is_some()).count(), 12);
    assert_eq!(it.bounds.counts().holders.0.values().map(Vec::len).max(), Some(30));
}
