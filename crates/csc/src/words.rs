//! What the holder reads.

use sceau_keyring::{description, label};

use crate::CscError;

/// The most characters that an application describes a transaction by (section 11.6).
const MOST_DESCRIBED: usize = 500;

/// In which language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    /// English.
    En,
    /// French.
    Fr,
}

impl Lang {
    /// As RFC 5646 has it.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
        }
    }

    fn asks(self, site: &str) -> String {
        match self {
            Self::En => format!("{site} asks you to sign."),
            Self::Fr => format!("{site} vous demande de signer."),
        }
    }

    fn document(self, at: usize, of: usize) -> String {
        match self {
            Self::En => format!("Document {at} of {of}"),
            Self::Fr => format!("Document {at} sur {of}"),
        }
    }
}

/// The description of a request: who asks, in the operator's words, then what the application says. Its words are refused at the door as terminal and element would.
pub(crate) fn described(lang: Lang, site: &str, said: Option<&str>) -> Result<String, CscError> {
    let asks = lang.asks(site);
    let whole = match said.map(str::trim).filter(|said| !said.is_empty()) {
        Some(said) if said.chars().count() > MOST_DESCRIBED => {
            return Err(CscError::parameter("description"));
        }
        Some(said) => format!("{asks}\n\n{said}"),
        None => asks,
    };
    description(&whole).map_err(|why| CscError::invalid(format!("Invalid parameter description: {why}")))?;
    Ok(whole)
}

/// What each document is called: by its place, or as the application calls it.
pub(crate) fn labelled(lang: Lang, named: &[Option<String>]) -> Result<Vec<String>, CscError> {
    let called = |(at, name): (usize, &Option<String>)| match name {
        None => Ok(lang.document(at + 1, named.len())),
        Some(name) => {
            label(name).map_err(|why| CscError::invalid(format!("Invalid parameter label: {why}")))?;
            Ok(name.clone())
        }
    };
    // What some are called by their place, others could be called by their name.
    let labels: Vec<String> = named.iter().enumerate().map(called).collect::<Result<_, _>>()?;
    let mixed = named.iter().any(Option::is_some) && named.iter().any(Option::is_none);
    let mut different: Vec<&str> = labels.iter().map(|label| label.trim()).collect();
    different.sort_unstable();
    different.dedup();
    if mixed || different.len() != labels.len() {
        return Err(CscError::invalid("Invalid parameter label: each has its own, or none has"));
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_documents_are_called_alike() {
        let labels = |named: &[Option<&str>]| {
            let named: Vec<_> = named.iter().map(|name| name.map(str::to_owned)).collect();
            labelled(Lang::En, &named).ok()
        };
        assert_eq!(
            labels(&[None, None]).map(|all| all.join(", ")).as_deref(),
            Some("Document 1 of 2, Document 2 of 2")
        );
        assert!(labels(&[Some("lease"), Some("annex")]).is_some());
        for named in [
            [Some("lease"), Some("lease")],
            [Some("lease"), Some("lease ")],
            [Some("Document 2 of 2"), None],
            [Some("Document 1 of 1"), None],
        ] {
            assert_eq!(labels(&named), None, "{named:?}");
        }
    }
}
