//! The subjects that are measured. To add one, add a file and a line.

mod bus;
mod files;
mod gate;
mod house;
mod in_memory;
mod intake;
mod intake_verdicts;
mod keyrings;
mod mob;
mod opening;
mod pdf;
mod platforms;
mod protect;
mod protect_rows;
mod seed_files;
mod trace;

use crate::Settings;
use crate::row::Row;

/// A subject: one or more rows of the table.
pub(crate) struct Measure {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) work: fn(Settings) -> Result<Vec<Row>, String>,
}

/// Seed 000 measures 0.47, 1.7 and 5 MB; 12 MB is the largest that it admits, and some.
const SEED_SIZES: [usize; 4] = [470_000, 1_700_000, 5_000_000, 12_000_000];

pub(crate) const MEASURES: &[Measure] = &[
    Measure { name: "in-memory", about: "sealing and opening in memory, one core", work: in_memory::measure },
    Measure {
        name: "seed-files",
        about: "the seed's files beside AES-256-CBC and RSA-OAEP in Node",
        work: seed_files::measure,
    },
    Measure {
        name: "mob",
        about: "the profile mob-2022 beside Node's crypto on the same bytes",
        work: mob::measure,
    },
    Measure { name: "opening", about: "opening the seed's files in Chromium", work: opening::measure },
    Measure { name: "files", about: "sealing and opening from file to file", work: files::pace },
    Measure { name: "memory", about: "memory of sealing and opening a large file", work: files::memory },
    Measure {
        name: "intake",
        about: "scanned intake, from clean verdict on; its memory",
        work: intake::measure,
    },
    Measure { name: "bus", about: "from the outbox to RabbitMQ, confirmed", work: bus::measure },
    Measure {
        name: "platforms",
        about: "two processes of the platform on one database beside one",
        work: platforms::measure,
    },
    Measure {
        name: "gate",
        about: "the gate beside nginx and HAProxy: handshakes, requests, memory, a list swapped under load",
        work: gate::measure,
    },
    Measure {
        name: "protect",
        about: "data keys through keyfront and element, recorded",
        work: protect::measure,
    },
    Measure {
        name: "protect-token",
        about: "the same with the element's keys in SoftHSM, beside its bare HMAC",
        work: protect::in_token,
    },
    Measure {
        name: "protect-by-tokens",
        about: "the same by tokens, signed, and encrypted both ways",
        work: protect::tokens,
    },
    Measure {
        name: "protect-bodies",
        about: "bodies that the keyfront encrypts and decrypts, beside `openssl speed`; its memory",
        work: protect::bodies,
    },
    Measure {
        name: "protect-start",
        about: "starts of an element that has data (SCEAU_BENCH_DATA) and records (SCEAU_BENCH_RECORDS)",
        work: protect::start,
    },
    Measure {
        name: "protect-rows",
        about: "listing and searching many data (SCEAU_BENCH_ROWS), room of one",
        work: protect_rows::measure,
    },
    Measure {
        name: "keyrings",
        about: "whole signatures and authentications by keyrings, and what they cost the servers",
        work: keyrings::measure,
    },
    Measure {
        name: "keyrings-token",
        about: "the same with holders' keys made and used in SoftHSM",
        work: keyrings::in_token,
    },
    Measure {
        name: "signed-pdf",
        about: "memory of signing a PDF of many pages beside one of few",
        work: pdf::measure,
    },
    Measure { name: "trace", about: "durable appends from 64 clients, proofs", work: trace::measure },
    Measure { name: "start", about: "the second start of sceau up", work: house::second_start },
    Measure { name: "sizes", about: "size of the release programs", work: house::sizes },
];
