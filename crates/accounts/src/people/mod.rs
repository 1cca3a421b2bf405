//! How people come to have an account, and how they show that it is theirs.

mod additions;
mod invitations;
mod links;
mod login;
mod passwords;
mod providers;
mod registration;
mod settle;

pub(crate) use invitations::Invitation;
pub(crate) use passwords::PasswordHashing;
pub(crate) use providers::{Arrival, Departure};
pub(crate) use registration::RegistrationStart;
