//! Keyrings: the documents that the element attests of them, and what carries their messages. Pure.
//!
//! What officers, registration authorities, providers of services and terminals say to the element is sealed to it, and opaque here: `sceau-keyring` has it.

mod access;
mod carried;
mod policy;
mod row;

pub use access::{ActorRole, ActorStatus, KeyringAccess, KeyringActor, RequestKind};
pub use carried::{ContextOffer, FirstPart, KeyringsAbout, LONGEST_SEALED, SealedAnswer, SealedMessage};
pub use policy::{
    Biometric, CertificateSource, Disclosure, Dissociation, KeyringAlgorithm, KeyringPolicy, KeyringUse,
    PinRule, PolicyStatus, Roaming, SecondFactor, SubjectField,
};
pub use row::{BlockedFor, BoundTerminal, Keyring, KeyringKey, KeyringPhase};
