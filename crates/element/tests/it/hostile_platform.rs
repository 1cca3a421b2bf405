//! A platform that turned against its users: it speaks the RPC with all that the platform has (every row, every proof that
//! ever passed, any number of calls), and holds no actor's key. Each test is one thing that it must not obtain.

mod deposits;
mod identities;
mod keys;
mod log;
mod people;
mod scanned;
mod withdrawals;
