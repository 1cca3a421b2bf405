//! A guard as a table of clients asks for it, before its lists are loaded.

use std::{path::Path, sync::Arc};

use sceau_pki::{Anchors, Certificate, ChainJudge, Preferred};

use super::{Guard, Rules, wanted::Wanted};
use crate::{
    clock,
    error::Error,
    fail_open::FailOpen,
    files::folder_of,
    lists::{Feed, Hosts, Places, Points, Reads, Source, Subscriber},
    observe::Ledger,
    ocsp::{Answers, Inquiry, Kept, Manner, OcspTable},
    settings::{ClientsTable, FailOpenTable},
};

/// A guard before its lists are loaded.
pub(crate) struct Draft<'a> {
    pub(crate) name: &'a str,
    chain: ChainJudge,
    rules: Rules,
    sources: Vec<Source>,
    /// At which hosts lists are fetched that certificates name.
    hosts: Option<Hosts>,
    intermediates: Vec<Certificate>,
    fail_open: Option<FailOpen>,
    ocsp: Option<(Manner, Preferred)>,
    /// Whose lists it knows.
    authorities: Vec<Certificate>,
}

impl<'a> Draft<'a> {
    /// # Errors
    /// [`Error`] of the setting at fault.
    pub(crate) fn read(folder: &Path, name: &'a str, table: &ClientsTable) -> Result<Self, Error> {
        let at = |setting: &str| format!("clients.{name}, {setting}");
        let wanted = Wanted::of(folder, name, table)?;
        let trusted = wanted.anchors.load(folder, &at("anchors"))?;
        let anchors = Anchors::new(trusted.iter().cloned()).map_err(Error::pki(&at("anchors")))?;
        let intermediates = wanted.intermediates.load(folder, &at("intermediates"))?;
        let mut chain = ChainJudge::new(anchors).with_intermediates(&intermediates);
        chain = wanted.depth.into_iter().fold(chain, ChainJudge::within);
        if let Some(issuer) = &wanted.issuer {
            let issuer = issuer.load(folder, &at("issuer"))?;
            let [issuer] = issuer.as_slice() else {
                return Err(Error::setting(at("issuer"), "one certificate is needed"));
            };
            chain = chain.issued_by(issuer.subject().clone());
        }
        let sources = wanted.lists.iter().map(|text| Source::read(text, folder));
        let sources = sources.collect::<Result<_, _>>();
        let sources = sources.map_err(|reason| Error::setting(at("revocation_lists"), reason))?;
        let hosts = table.distribution_points.as_deref().map(Hosts::read).transpose();
        let hosts = hosts.map_err(|reason| Error::setting(at("distribution_points"), reason))?;
        let ocsp = table.ocsp.as_ref().map(|table| OcspTable::read(table, wanted.responder.as_deref()));
        let ocsp = ocsp.transpose();
        let ocsp = ocsp.map_err(|reason| Error::setting(at("ocsp.responder"), reason))?;
        let fail_open = table.fail_open.as_ref().map(|table| fail_open(folder, &at("fail_open"), table));
        Ok(Self {
            name,
            chain,
            rules: wanted.rules,
            fail_open: fail_open.transpose()?,
            ocsp,
            sources,
            hosts,
            authorities: [&trusted[..], &intermediates].concat(),
            intermediates,
        })
    }

    /// Whose lists it is to be given.
    pub(crate) fn subscriber(&self) -> Subscriber<'_> {
        Subscriber {
            name: format!("clients.{}", self.name),
            sources: &self.sources,
            authorities: &self.authorities,
        }
    }

    /// With the feeds that it asks, of all; `before` is the one of the same table before the file was read again.
    pub(crate) fn with_lists(
        self,
        all: &[Arc<Feed>],
        ledger: &Ledger,
        (places, before): (&Arc<Places>, Option<&Guard>),
        (answers, kept): (&Arc<Answers>, &Arc<Kept>),
    ) -> Guard {
        let points = self.hosts.map(|hosts| {
            let setting = format!("clients.{}, distribution_points", self.name);
            let points = Points::new(setting, hosts, (&self.sources, &self.authorities), places);
            let above = |it: &Certificate| {
                // Of several of one name, the one whose key signed it.
                let is_above =
                    |other: &&Certificate| other.subject() == it.issuer() && it.is_signed_by(other);
                self.authorities.iter().find(is_above).cloned()
            };
            for (certificate, issuer) in self.intermediates.iter().filter_map(|it| Some((it, above(it)?))) {
                points.learn_of_the_file(certificate, &issuer, clock::now());
            }
            let learnt = before.and_then(Guard::points);
            learnt.into_iter().for_each(|before| points.adopt(before, (Reads::Here, clock::now())));
            points
        });
        let own = all.iter().filter(|feed| self.sources.contains(&feed.source)).cloned().collect();
        let inquiry = self.ocsp.map(|asked| Inquiry::new(asked, Arc::clone(answers), Arc::clone(kept)));
        Guard::new(self.name, self.chain, self.rules, (own, points), self.fail_open)
            .counting(self.authorities, ledger)
            .inquiring(inquiry)
    }
}

fn fail_open(folder: &Path, setting: &str, table: &FailOpenTable) -> Result<FailOpen, Error> {
    let journal = folder.join(&table.journal);
    if !folder_of(&journal).is_dir() {
        return Err(Error::setting(format!("{setting}.journal"), "there is no such folder"));
    }
    let age = u64::try_from(table.maximum_age.0.as_millis()).unwrap_or(u64::MAX);
    Ok(FailOpen::new(age, journal))
}
