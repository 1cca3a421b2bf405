//! What a datum is found by: words of its name, its tags, who owns it and who is authorised, and that it is inactive or erased.
//!
//! A term is kept as 16 octets of a hash, so that one table of short rows serves all organisations and all kinds. What it finds is read and judged
//! again: two terms of one hash, or a row that somebody planted, show nobody anything.

use std::collections::BTreeSet;

use sceau_element_api::OrganisationId;
use sceau_element_api::documents::{Datum, DatumStatus};

/// A term of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Term(pub(crate) [u8; 16]);

/// Which kind of thing it is.
#[derive(Debug, Clone, Copy)]
enum Of {
    Word,
    Tag,
    Person,
    Inactive,
    Erased,
    Held,
}

impl Term {
    /// A word of a name, as [`words`] gives it.
    pub(crate) fn word(organisation: OrganisationId, word: &str) -> Self {
        Self::of(organisation, Of::Word, word)
    }

    /// A tag.
    pub(crate) fn tag(organisation: OrganisationId, tag: &str) -> Self {
        Self::of(organisation, Of::Tag, tag)
    }

    /// An owner, or a user or group that has an authorisation.
    pub(crate) fn person(organisation: OrganisationId, name: &str) -> Self {
        Self::of(organisation, Of::Person, name)
    }

    /// All data whose key is not given out now.
    pub(crate) fn inactive(organisation: OrganisationId) -> Self {
        Self::of(organisation, Of::Inactive, "")
    }

    /// All data that were erased.
    pub(crate) fn erased(organisation: OrganisationId) -> Self {
        Self::of(organisation, Of::Erased, "")
    }

    /// All data that are held.
    pub(crate) fn held(organisation: OrganisationId) -> Self {
        Self::of(organisation, Of::Held, "")
    }

    /// All terms of a datum.
    pub(crate) fn all(datum: &Datum) -> BTreeSet<Self> {
        let organisation = datum.organisation;
        let granted = datum.grants.iter().map(|grant| grant.to.name().as_str());
        let people = std::iter::once(datum.owner.as_str()).chain(granted);
        let mut all: BTreeSet<Self> = people.map(|name| Self::person(organisation, name)).collect();
        all.extend(words(&datum.name).map(|word| Self::word(organisation, &word)));
        all.extend(datum.tags.iter().map(|tag| Self::tag(organisation, tag)));
        if datum.held.is_some() {
            all.insert(Self::held(organisation));
        }
        match datum.status {
            DatumStatus::Active => false,
            DatumStatus::Inactive => all.insert(Self::inactive(organisation)),
            DatumStatus::Erased => all.insert(Self::erased(organisation)),
        };
        all
    }

    fn of(organisation: OrganisationId, of: Of, text: &str) -> Self {
        let kind = match of {
            Of::Word => "word",
            Of::Tag => "tag",
            Of::Person => "person",
            Of::Inactive => "inactive",
            Of::Erased => "erased",
            Of::Held => "held",
        };
        let named = format!("sceau/protect-term\0{organisation}\0{kind}\0{}", folded(text));
        let digest = sceau_trace::sha256(named.as_bytes());
        let mut term = [0; 16];
        term.iter_mut().zip(digest.as_bytes()).for_each(|(to, from)| *to = *from);
        Self(term)
    }
}

/// A text as it is compared: without the spaces around it, in small letters.
pub(crate) fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// The words of a name: letters and digits, in small letters.
pub(crate) fn words(name: &str) -> impl Iterator<Item = String> {
    let name = folded(name);
    let words: Vec<String> = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.into_iter()
}
