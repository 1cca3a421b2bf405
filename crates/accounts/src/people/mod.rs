//! How people come to have an account, and how they show that it is theirs.

mod additions;
mod invitations;
mod login;
mod passwords;
mod registration;
mod settle;

pub(crate) use additions::{AdditionCeremony, AdditionDraft};
pub(crate) use invitations::{Invitation, InvitationDraft};
pub(crate) use login::LoginCeremony;
pub(crate) use passwords::PasswordHashing;
pub(crate) use registration::{RegistrationCeremony, RegistrationStart};
