//! Keyrings: the documents that the element attests of them, and what carries their messages. Pure.
//!
//! What officers, registration authorities, service providers and terminals say to the element is sealed to it, and opaque here: `sceau-keyring` has it.

mod access;
mod carried;
mod certified;
mod officer;
mod policy;
mod row;
mod stopped;
mod terminals;
mod words;

pub use access::{ActorRole, ActorStatus, KeyringAccess, KeyringActor, RequestKind};
pub use carried::{
    ContextOffer, CurrentDocument, FirstPart, KeyringsAbout, LONGEST_SEALED, SealedAnswer, SealedMessage,
};
pub use certified::{AwaitedCertificate, BroughtCertificate, LONGEST_BROUGHT, MOST_AWAITED, MOST_BROUGHT};
pub use officer::KeyringOfficer;
pub use policy::{
    Biometric, CertificateSource, Disclosure, Dissociation, FaceRule, KeyringAlgorithm, KeyringPolicy,
    KeyringUse, LONGEST_CERTIFICATE, LONGEST_OPEN, PinRule, PolicyStatus, Roaming, SecondFactor,
    SubjectField,
};
pub use row::{BlockedFor, Keyring, KeyringKey, KeyringPhase};
pub use stopped::{DestroyReason, ResumeReason, StoppedBy, SuspendReason, Suspended};
pub use terminals::{BoundTerminal, FormerTerminal, Left, MOST_FORMER, RoamingTerminal};
