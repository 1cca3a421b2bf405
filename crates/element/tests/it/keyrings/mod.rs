//! Keyrings, as their actors, a terminal and a hostile platform see them.

mod attempts;
mod authentication;
mod carriage;
mod consents;
mod life;
mod officer;
mod only_authenticates;
mod rsa;
mod stage;
mod talk;
mod terminal;
mod two_factors;
