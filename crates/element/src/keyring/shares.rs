//! What exchanges take, by the authority on whose behalf they are: no authority, and no organisation, takes all of it.
//!
//! While less than half is taken, whoever comes has it. From then on an authority that has a sixteenth of all waits, and so do those of an organisation that has a quarter:
//! who fills the first half, alone or as an organisation, leaves the other to everybody else.

use std::collections::HashMap;
use std::hash::Hash;

use sceau_element_api::{KeyringActorId, OrganisationId};

/// On whose behalf something is done: of the authority whose keyring it is, or of an actor itself. Ids of actors are their organisation's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Behalf {
    /// The organisation.
    pub(crate) organisation: OrganisationId,
    /// Its authority or actor.
    pub(crate) actor: KeyringActorId,
}

/// What is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// Contexts that are open.
    pub(super) open: usize,
    /// Contexts that were begun within five minutes.
    pub(super) begun: usize,
    /// Bytes of answers and requests.
    pub(super) kept: usize,
}

impl Taken {
    fn add(&mut self, more: Self) {
        self.open += more.open;
        self.begun += more.begun;
        self.kept += more.kept;
    }

    fn take_away(&mut self, less: Self) {
        self.open = self.open.saturating_sub(less.open);
        self.begun = self.begun.saturating_sub(less.begun);
        self.kept = self.kept.saturating_sub(less.kept);
    }

    /// The three of them beside those of what there is at most.
    fn of(self, most: Self) -> [(usize, usize); 3] {
        [(self.open, most.open), (self.begun, most.begun), (self.kept, most.kept)]
    }
}

/// What is taken by all, by each organisation and by each of its actors; those that take nothing are forgotten.
#[derive(Debug, Default)]
pub(super) struct Shares {
    all: Taken,
    organisations: HashMap<OrganisationId, Taken>,
    actors: HashMap<Behalf, Taken>,
}

impl Shares {
    /// What all take together.
    #[cfg(test)]
    pub(super) fn all(&self) -> Taken {
        self.all
    }

    /// Whether there is room for one more on this behalf.
    pub(super) fn has_room(&self, behalf: Behalf, most: Taken) -> bool {
        let organisation = self.organisations.get(&behalf.organisation).copied().unwrap_or_default();
        let actor = self.actors.get(&behalf).copied().unwrap_or_default();
        let taken = self.all.of(most).into_iter().zip(organisation.of(most)).zip(actor.of(most));
        taken.into_iter().all(|(((all, most), (organisation, _)), (actor, _))| {
            all < most / 2 || (all < most && organisation < most / 4 && actor < most / 16)
        })
    }

    /// Takes it.
    pub(super) fn take(&mut self, behalf: Behalf, taken: Taken) {
        self.all.add(taken);
        self.organisations.entry(behalf.organisation).or_default().add(taken);
        self.actors.entry(behalf).or_default().add(taken);
    }

    /// Gives it back.
    pub(super) fn give_back(&mut self, behalf: Behalf, taken: Taken) {
        self.all.take_away(taken);
        less(&mut self.organisations, &behalf.organisation, taken);
        less(&mut self.actors, &behalf, taken);
    }
}

fn less<K: Hash + Eq>(of: &mut HashMap<K, Taken>, who: &K, taken: Taken) {
    let Some(has) = of.get_mut(who) else { return };
    has.take_away(taken);
    if *has == Taken::default() {
        of.remove(who);
    }
}

/// An authority of an organisation, for tests.
#[cfg(test)]
#[allow(clippy::expect_used, reason = "tests state what must hold")]
pub(crate) fn behalf_of(organisation: u8, actor: u8) -> Behalf {
    let id = |number: u8| format!("{number:02x}000000-0000-4000-8000-000000000000");
    Behalf {
        organisation: id(organisation).parse().expect("an id"),
        actor: id(actor).parse().expect("an id"),
    }
}
