//! Keyrings, as their actors, a terminal and a hostile platform see them.

mod attempts;
mod authentication;
mod carriage;
mod certificates;
mod comes;
mod consents;
mod dissociation;
mod end;
mod life;
mod officer;
mod offices;
mod only_authenticates;
mod outside;
mod roaming;
mod rsa;
mod stage;
mod standing;
mod stopping;
mod talk;
mod terminal;
mod two_factors;
