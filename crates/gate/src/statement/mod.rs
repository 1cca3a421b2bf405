//! How the certificates of callers are checked, in words that a partner or an auditor reads: a page to print, made of the file that is in force.
//! It says what the gate does, not what somebody meant it to do.

mod table;
mod words;

use std::{collections::BTreeSet, time::Duration};

use sceau_pki::CertificateType;

use crate::{
    clock::written,
    guard::{Addresses, Guard},
    ocsp::Nonce,
    plan::Plan,
};
use table::{Table, escaped};
pub use words::Language;
use words::Words;

const STYLE: &str = include_str!("style.css");

impl Plan {
    /// The page, as of `now` (Unix milliseconds).
    pub fn statement(&self, language: Language, now: u64) -> String {
        let words = language.words();
        let guarded = self.guards.iter().map(|guard| self.clients(guard, words, now)).collect::<String>();
        let guarded = if self.guards.is_empty() { paragraph(words.no_guard) } else { guarded };
        let version = env!("CARGO_PKG_VERSION");
        let file = self.path().display().to_string();
        let of = words.made.replace("{date}", &written(now)).replace("{version}", version);
        format!(
            "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{of}\
             <h2>{when}</h2>\n{each}{verdict}{guarded}<h2>{kept}</h2>\n{records}</main>\n</body>\n</html>\n",
            lang = language.tag(),
            title = escaped(words.title),
            of = paragraph(&of.replace("{file}", &file)),
            when = escaped(words.when),
            each = paragraph(words.each_request),
            verdict = paragraph(words.verdict),
            kept = escaped(words.kept),
            records = paragraph(words.records),
        )
    }

    /// One table of clients: who, by which authorities and lists, and what happens without them.
    fn clients(&self, guard: &Guard, words: &Words, now: u64) -> String {
        let mut text =
            format!("<h2>{} <code>{}</code></h2>\n", escaped(words.clients), escaped(guard.name()));
        text += &self.routes(guard, words);
        text += &authorities(guard, words);
        text += &paragraph(&match guard.required_issuer() {
            Some(issuer) => words.issuer.replace("{issuer}", &issuer.to_string()),
            None => words.any_issuer.to_owned(),
        });
        text += &paragraph(&words.depth.replace("{depth}", &guard.depth().to_string()));
        text += &permitted(guard, words);
        text += &demanded(guard, words);
        text += &format!("<h3>{}</h3>\n", escaped(words.responders));
        text += &responder(guard, words);
        text += &format!("<h3>{}</h3>\n", escaped(words.lists));
        if !guard.asks_lists() {
            return text + &paragraph(words.no_lists);
        }
        text += &paragraph(words.all_lists);
        text += &self.lists(guard, words, now);
        if let Some(points) = guard.points() {
            text += &paragraph(&words.points.replace("{hosts}", &points.hosts().written()));
        }
        text += &format!("<h3>{}</h3>\n", escaped(words.without));
        text + &paragraph(&match guard.fail_open_age() {
            Some(age) => words.fail_open.replace("{hours}", &hours(age)),
            None => words.refused.to_owned(),
        })
    }

    fn routes(&self, guard: &Guard, words: &Words) -> String {
        let mut table = Table::new(&[words.address, words.host, words.path]);
        for listener in &self.listeners {
            for route in listener.routes.iter() {
                if route.guard.as_ref().is_some_and(|own| own.name() == guard.name()) {
                    let host = route.host().unwrap_or(words.any_host);
                    table.row(&[&listener.place.to_string(), host, route.path()]);
                }
            }
        }
        if table.is_empty() { paragraph(words.no_route) } else { table.written() }
    }

    /// Each source with what is in use of it, and how it is kept current.
    fn lists(&self, guard: &Guard, words: &Words, now: u64) -> String {
        let feeds = guard.feeds();
        let columns = [words.source, words.authority, words.number, words.made_on, words.ends_on];
        let mut table = Table::new(&columns);
        for feed in &feeds {
            let (source, used) = (feed.source.to_string(), feed.lists());
            for list in used.iter() {
                let ends = written(list.next_update());
                let ends = if list.is_current(now) { ends } else { format!("{ends} ({})", words.ended) };
                let (issuer, made) = (list.issuer().to_string(), written(list.this_update()));
                table.row(&[&source, &issuer, &list.number(), &made, &ends]);
            }
            if used.is_empty() {
                table.row(&[&source, words.none_yet, "", "", ""]);
            }
        }
        // Of what certificates name, nothing may be learnt yet.
        let mut text = if table.is_empty() { String::new() } else { table.written() };
        if feeds.iter().any(|feed| feed.source.is_file()) {
            text += &paragraph(words.watched);
        }
        if guard.points().is_some() || feeds.iter().any(|feed| !feed.source.is_file()) {
            let window = self.keeping.window;
            let [from, until] = [window.from, window.from + window.within].map(clock_time);
            text += &paragraph(&words.fetched.replace("{from}", &from).replace("{until}", &until));
        }
        text
    }
}

/// `07:00`.
fn clock_time(since_midnight: Duration) -> String {
    let minutes = since_midnight.as_secs() / 60;
    format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60)
}

fn authorities(guard: &Guard, words: &Words) -> String {
    let mut table =
        Table::new(&[words.authority, words.role, words.serial, words.ends_on, words.fingerprint]);
    for (certificate, is_anchor) in guard.authorities() {
        let role = if is_anchor { words.anchor } else { words.intermediate };
        let (subject, ends) = (certificate.subject().to_string(), written(certificate.not_after()));
        let fingerprint = certificate.fingerprint().to_string();
        table.row(&[&subject, role, &certificate.serial(), &ends, &fingerprint]);
    }
    format!("<h3>{}</h3>\n{}", escaped(words.authorities), table.written())
}

/// Who of those that the authorities vouch for may pass, and from where.
fn permitted(guard: &Guard, words: &Words) -> String {
    let from = |addresses: &Addresses| match addresses {
        Addresses::Any => words.anywhere.to_owned(),
        Addresses::These(these) => listed(these),
    };
    let rules = guard.rules();
    let mut text = format!("<h3>{}</h3>\n", escaped(words.permitted));
    match &rules.names {
        None => text += &paragraph(words.anybody),
        Some(names) => {
            let mut table = Table::new(&[words.common_name, words.units, words.from]);
            for permit in names {
                let units = permit.name.organizational_units().join(", ");
                table.row(&[permit.name.common_name(), &units, &from(&permit.addresses)]);
            }
            text += &paragraph(words.exactly);
            text += &table.written();
        }
    }
    text + &paragraph(&words.addresses.replace("{addresses}", &from(&rules.addresses)))
}

/// What certificates must say besides names.
fn demanded(guard: &Guard, words: &Words) -> String {
    let rules = guard.rules();
    let permits = rules.names.iter().flatten().map(|permit| (permit.name.common_name(), &permit.demands));
    let mut text = String::new();
    for (who, demands) in std::iter::once((words.everybody, &rules.demands)).chain(permits) {
        if !demands.policies().is_empty() {
            let said = words.policies.replace("{policies}", &listed(demands.policies()));
            text += &paragraph(&said.replace("{who}", who));
        }
        if !demands.types().is_empty() {
            let extensions: BTreeSet<_> = demands.types().iter().map(CertificateType::extension).collect();
            let said = words.types.replace("{extensions}", &listed(extensions));
            text += &paragraph(&said.replace("{who}", who));
        }
    }
    text
}

fn listed(all: impl IntoIterator<Item = impl ToString>) -> String {
    all.into_iter().map(|one| one.to_string()).collect::<Vec<_>>().join(", ")
}

/// Whether and how a responder is asked.
fn responder(guard: &Guard, words: &Words) -> String {
    let Some(inquiry) = guard.inquiry() else { return paragraph(words.no_responder) };
    let manner = inquiry.manner();
    let whom = manner.responder.as_ref().map_or(words.named_responder.to_owned(), ToString::to_string);
    let order = if inquiry.is_first() { words.responder_first } else { words.list_first };
    let nonce = match manner.nonce {
        Nonce::Sent => words.nonce_sent,
        Nonce::Demanded => words.nonce_demanded,
        Nonce::None => words.no_nonce,
    };
    let asked = words.asked.replace("{deadline}", &manner.deadline.as_secs().to_string());
    paragraph(&format!("{} {order} {nonce}", asked.replace("{responder}", &whom)))
}

/// Of milliseconds, without what is nought.
fn hours(millis: u64) -> String {
    let minutes = millis / 60_000;
    match (minutes / 60, minutes % 60) {
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes:02} min"),
    }
}

fn paragraph(text: &str) -> String {
    format!("<p>{}</p>\n", escaped(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_fill_in_the_same() {
        let marks = |text: &str| -> Vec<String> {
            let marks = text.split('{').skip(1).filter_map(|rest| rest.split('}').next());
            let mut marks: Vec<_> = marks.map(str::to_owned).collect();
            marks.sort();
            marks
        };
        let [fr, en] = [Language::French, Language::English].map(Language::words);
        for (fr, en) in [
            (fr.made, en.made),
            (fr.issuer, en.issuer),
            (fr.fetched, en.fetched),
            (fr.fail_open, en.fail_open),
            (fr.addresses, en.addresses),
            (fr.asked, en.asked),
            (fr.depth, en.depth),
            (fr.policies, en.policies),
            (fr.types, en.types),
            (fr.points, en.points),
        ] {
            assert!(marks(fr) == marks(en) && !marks(fr).is_empty(), "{fr} / {en}");
        }
        assert_eq!(hours(48 * 3_600_000), "48 h");
        assert_eq!(hours(90 * 60_000), "1 h 30 min");
    }
}
