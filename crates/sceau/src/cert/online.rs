//! What is published about the certificates of a chain: fetched once the chain itself is believed, so that nobody is called whom a stranger names.

use sceau_pki::{Certificate, OcspStatus, RevocationLists, Vouched};
use serde_json::{Value, json};

use super::lists::{self, Source};
use super::ocsp::{self, Asked};
use crate::failure::{Exit, Failure};

/// What came of each address that the certificates name.
#[derive(Debug, Default)]
pub(super) struct Published {
    pub(super) lists: Vec<Source>,
    /// A list that could not be had: from where, and why.
    pub(super) missing: Vec<(String, Failure)>,
    pub(super) asked: Vec<Asked>,
}

impl Published {
    /// Of a chain that an anchor vouches for; `given` are lists that are known besides.
    pub(super) fn fetch(vouched: &Vouched, given: &RevocationLists) -> Result<Self, Failure> {
        let mut way = Vec::new();
        for der in &vouched.path {
            way.push(Certificate::from_der(der, "a chain").map_err(|error| super::fault::pki(&error))?);
        }
        let mut published = Self::default();
        for from in lists::places(&way) {
            match lists::read(&from) {
                Ok(source) => published.lists.push(source),
                Err(failure) => published.missing.push((from, failure)),
            }
        }
        let known = published.lists.iter().fold(given.clone(), |all, one| all.and(one.lists.clone()));
        let issuers = way.iter().skip(1).chain([&vouched.anchor]);
        let asked = way.iter().zip(issuers).filter_map(|(one, issuer)| ocsp::ask(one, issuer, &known));
        published.asked = asked.collect();
        if published.lists.is_empty() && published.missing.is_empty() && published.asked.is_empty() {
            let words = "--online: the certificates name no list and no responder that is reached over HTTP: give a list with --list";
            return Err(Failure::new(Exit::Input, "no_list", words));
        }
        Ok(published)
    }

    /// Whether lists are to be asked at all: one was fetched, or should have been.
    pub(super) fn names_lists(&self) -> bool {
        !self.lists.is_empty() || !self.missing.is_empty()
    }

    /// What its responder says of a certificate.
    pub(super) fn status(&self, certificate: &Certificate) -> Option<(OcspStatus, u64)> {
        let asked = self.asked.iter().find(|asked| asked.about == *certificate)?;
        asked.answer.as_ref().ok().map(|answer| (answer.status, answer.until))
    }

    /// Lines for people.
    pub(super) fn words(&self) -> Vec<String> {
        let missing = self.missing.iter().map(|(_, failure)| format!("List         {failure}"));
        let asked = self.asked.iter().map(|Asked { from, about, answer }| match answer {
            Ok(answer) => format!("OCSP         {from} of {}: {}", name(about), ocsp::words(answer.status)),
            Err(why) => {
                format!("OCSP         {from} of {}: no answer, {} ({})", name(about), why.words, why.code)
            }
        });
        missing.chain(asked).collect()
    }

    /// For scripts: lists that are missing, and answers.
    pub(super) fn json(&self) -> (Value, Value) {
        let missing = self
            .missing
            .iter()
            .map(|(from, why)| json!({"from": from, "code": why.code, "reason": why.to_string()}));
        let asked = self.asked.iter().map(|Asked { from, about, answer }| {
            let (said, until, code) = match answer {
                Ok(answer) => (Some(ocsp::words(answer.status)), Some(answer.until), None),
                Err(why) => (None, None, Some(why.code)),
            };
            json!({"from": from, "subject": about.subject().to_string(), "said": said, "until": until, "code": code})
        });
        (missing.collect(), asked.collect())
    }
}

fn name(certificate: &Certificate) -> String {
    let name = certificate.subject().common_name().map(std::borrow::Cow::into_owned);
    name.unwrap_or_else(|| certificate.subject().to_string())
}
