//! `kill -9` of each process at eight points of a deposit, a read and a decision. Started again, the same people do the job to its end: what was
//! acknowledged is there, what was not has left at most its record, and nothing is lost or done twice.
//!
//! No clock chooses the moment: a message is held where it is (between platform and element, or before the platform), or the key manager stands
//! still at the end of the call that made a record durable; then one process dies and is started again.

mod afterwards;
mod job;

use job::{Job, World};

/// Where the job stands when a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    /// A dossier is begun: the element has attested it, and the platform has not heard so.
    DossierBegun,
    /// The header of a file is stored, and the citizen has not heard so.
    HeaderStored,
    /// Half of a part is uploaded.
    PartHalfSent,
    /// The element has attested the manifest, and the platform has not heard so.
    ManifestAttested,
    /// The ticket is spent, and the case officer's page has not heard of its session.
    TicketExchanged,
    /// That a key will leave is durable; that it left is not.
    IntentDurable,
    /// That the key leaves is durable, and it has not left.
    OutcomeDurable,
    /// The decision is signed and durable at the key manager, and the platform has not heard of it.
    DecisionSigned,
}

/// Who dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Platform,
    Element,
    KeyManager,
}

/// The whole job, with one death in it.
async fn survive(point: Point, victim: Victim) {
    let mut world = World::set(point).await;
    let done = Job::of(point, victim).run(&mut world).await;
    afterwards::nothing_is_lost(&mut world, point, &done).await;
}

macro_rules! each_process_dies {
    ($($moment:ident: $point:ident,)*) => {$(
        mod $moment {
            use super::{Point, Victim, survive};

            #[tokio::test(flavor = "multi_thread")]
            async fn the_platform_dies() {
                survive(Point::$point, Victim::Platform).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn the_element_dies() {
                survive(Point::$point, Victim::Element).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn the_key_manager_dies() {
                survive(Point::$point, Victim::KeyManager).await;
            }
        }
    )*};
}

each_process_dies! {
    when_a_dossier_is_begun_and_not_answered: DossierBegun,
    when_a_header_is_stored_and_not_answered: HeaderStored,
    when_a_part_is_half_uploaded: PartHalfSent,
    when_a_manifest_is_attested_and_the_platform_not_told: ManifestAttested,
    when_a_ticket_is_exchanged_and_not_answered: TicketExchanged,
    when_the_intent_to_unwrap_is_durable_and_its_outcome_not: IntentDurable,
    when_the_outcome_of_unwrapping_is_durable_and_not_answered: OutcomeDurable,
    when_a_decision_is_signed_and_not_delivered: DecisionSigned,
}
