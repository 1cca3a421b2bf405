//! Certificates: names that keep what they say, the embedded authority, and verdicts on what clients present.
//!
//! This room is pure: bytes and time are passed in. It must never trust a certificate because it is well formed, never turn a bad one into a broken connection (the user is
//! owed a reason), and never let two different roles pass for one another.

mod anchors;
mod asked;
mod authority;
mod bundle;
mod caller;
mod certificate;
mod chain;
mod cms;
mod demand;
mod der;
mod error;
mod extension;
mod facts;
mod fit;
mod held;
mod holder;
mod issued;
mod judge;
mod key;
mod material;
mod name;
mod ocsp;
mod oid;
mod online;
mod partner;
mod path;
mod pem;
mod period;
mod pkcs12;
mod possession;
mod profile;
#[cfg(test)]
mod published;
mod reader;
mod request;
mod revocation;
mod role;
mod rule;
mod sessions;
mod shown;
mod signatory;
mod signature;
mod stamp;
mod staple;
mod tls;

pub use anchors::Anchors;
pub use asked::{ServerWish, asking_config};
pub use authority::{
    ACME_TLS, AUTHORITY_DAYS_MAX, Authority, AuthorityProfile, CLIENT_DAYS_MAX, ClientProfile,
    GivenExtension, LeafPurpose, Publication, RevocationReason, Revoked, SERVER_DAYS_MAX, ServerProfile,
    challenge_config, refusing_config,
};
pub use bundle::{Bundle, BundleProblem, Purpose, naming_problems};
pub use caller::CallerJudge;
pub use certificate::{Certificate, Fingerprint, NotAFingerprint};
pub use chain::{ChainJudge, DEPTH_MAX, Vouched};
pub use cms::{
    CmsRefusal, DetachedSignature, NotCertsOnly, SignatureKind, SignedAttributes, Signer, certs_only,
    first_element,
};
pub use demand::{CertificateType, Demands, NotAType, Unmet};
pub use error::Error;
pub use facts::{CertificateFacts, KeyFacts, NamePart, OtherExtension, key_facts, name_parts};
pub use fit::{Unfit, judge_issued};
pub use held::{
    CertificateKey, DigestVerifier, Hash, KeyFamily, Signing, ecdsa_signature_der, rsa_public_key_info,
};
pub use holder::{HolderCertificate, HolderRequest, NotTheHolders, judge_holder};
pub use issued::Issued;
pub use judge::{ClientIdentity, ClientJudge, Refusal, Verdict, VerifiedClient};
pub use key::{KeyAlgorithm, PrivateKey};
pub use material::Material;
pub use name::{Attribute, Name, NameError, acts_on_text};
pub use ocsp::{
    OCSP_SKEW, OcspAnswer, OcspFailure, OcspHash, OcspNonce, OcspQuestion, OcspRefusal, OcspRequest,
    OcspResponder, OcspSigner, OcspStatus, OcspTerms, is_ocsp_response,
};
pub use oid::{NotAnOid, Oid};
pub use online::{Heard, Online, Preferred, Unasked};
pub use partner::{CurrentLists, client_config_asking};
pub use period::PrivateKeyUsage;
pub use pkcs12::new_pkcs12_password;
pub use profile::{
    AuthorityChain, ClientNaming, Done, Environment, Flow, FlowRole, Profile, ProfileAuthority, ProfileError,
    Step, StepWords, Tls,
};
pub use request::CertificateRequest;
pub use revocation::{ListRefusal, Older, RevocationList, RevocationLists, Taken, Unwelcome, UsedLists};
pub use role::{CertificateRole, RoleNames};
pub use rule::SubjectRule;
pub use shown::{ServerRefusal, judge_server, looking_config};
pub use signatory::{SignatoryJudge, Vouching};
pub use stamp::{STAMP_SKEW, StampRefusal, StampRequest, TimeStamp};
pub use staple::{Staple, server_config_stapling};
pub use tls::{TlsIdentity, client_config, provider, server_config, server_config_asking};
