//! What whole-system tests stand on: a scratch folder, real processes that die with the test, their logs, their memory.
//!
//! A test starts programs with [`Program`], waits for the JSON line by which each says that it is ready (never for a
//! while), and holds them as [`Running`]. Nothing here knows what the programs do.

#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "this room is for tests: what cannot go on must say why and stop"
)]

mod balancer;
mod chance;
mod connected;
mod doctor;
mod door;
mod draft;
mod gate;
mod hold;
mod house;
mod hr;
pub mod keyrings;
mod liar;
mod log;
mod memory;
mod mob;
mod own_authority;
mod premises;
mod program;
pub mod provider;
mod running;
mod scanned;
mod scratch;
mod servers;
mod small_disk;
mod stage;
mod stepped;
mod tls_front;
mod until;

pub use balancer::Balancer;
pub use chance::{Chance, number};
pub use connected::Connected;
pub use doctor::{Finding, Findings};
pub use door::{Door, Side, attests, is_write};
pub use draft::{Draft, Sealed};
pub use gate::{Gate, Moment};
pub use hold::{Hold, struck};
pub use house::{House, Organisation, now_ms, publish_scheme, scheme_form};
pub use hr::HrSystem;
pub use liar::{Frame, Liar};
pub use log::{Log, log_extends};
pub use memory::{Found, Needle, memory_of, search};
pub use mob::{MOB_PAGE, MobStage};
pub use own_authority::{OwnAuthority, Shown};
pub use premises::{Premises, Staff};
pub use program::{Finished, Program};
pub use running::Running;
pub use scanned::{Cast, Scanned, Visit, client, large_body, words};
pub use scratch::{Scratch, free_port, own_ports};
pub use servers::{Kind, Servers};
pub use small_disk::SmallDisk;
pub use stage::{Records, Stage, opened_trace};
pub use stepped::Steps;
pub use tls_front::TlsFront;
pub use until::until;
