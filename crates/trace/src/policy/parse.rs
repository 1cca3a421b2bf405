use super::{Policy, PolicySyntax, PolicyWitness, Quorum};
use crate::{KeyKind, VerifierKey};
use std::collections::BTreeMap;

/// More of any of these are refused; the specification asks for 32.
const MAX_NAMED: usize = 256;

pub(super) fn policy(text: &str) -> Result<Policy, PolicySyntax> {
    let mut reader = Reader::default();
    let mut last = 0;
    for (line, content) in (1..).zip(text.split('\n')) {
        last = line;
        reader.line(content).map_err(|reason| PolicySyntax { line, reason })?;
    }
    let quorum = reader.quorum.ok_or(PolicySyntax { line: last, reason: "there is no line `quorum`" })?;
    Ok(Policy { logs: reader.logs, witnesses: reader.witnesses, quorum, text: reader.text })
}

#[derive(Default)]
struct Reader {
    logs: Vec<VerifierKey>,
    witnesses: Vec<PolicyWitness>,
    /// What each name stands for; nothing once it is a member of a group, since it may be of one only.
    names: BTreeMap<String, Option<Quorum>>,
    quorum: Option<Quorum>,
    /// What was read, without comments and addresses.
    text: String,
}

impl Reader {
    fn line(&mut self, content: &str) -> Result<(), &'static str> {
        if content.bytes().any(|byte| (byte < 0x20 && byte != b'\t') || byte == 0x7f) {
            return Err("a control character");
        }
        let content = content.trim_matches([' ', '\t']);
        if content.is_empty() || content.starts_with('#') {
            return Ok(());
        }
        let words: Vec<&str> = content.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        let shown = match words.first() {
            Some(&"log") => words.get(..2),
            Some(&"witness") => words.get(..3),
            _ => None,
        };
        self.text.push_str(&shown.unwrap_or(&words).join(" "));
        self.text.push('\n');
        match words.as_slice() {
            ["log", key] | ["log", key, _] => self.log(key),
            ["witness", name, key] => self.witness(name, key, None),
            ["witness", name, key, url] => self.witness(name, key, Some(url)),
            ["group", name, least, members @ ..] => self.group(name, least, members),
            ["quorum", name] => self.quorum(name),
            _ => Err(
                "not `log KEY [URL]`, `witness NAME KEY [URL]`, `group NAME all|any|NUMBER NAME…` or `quorum NAME`",
            ),
        }
    }

    fn log(&mut self, key: &str) -> Result<(), &'static str> {
        let key = key_of(key, KeyKind::Ed25519).ok_or("not the verifier key of a log")?;
        if self.logs.iter().any(|known| known.public() == key.public()) {
            return Err("this log's key stands here twice");
        }
        self.logs.push(key);
        within(self.logs.len())
    }

    fn witness(&mut self, name: &str, key: &str, url: Option<&str>) -> Result<(), &'static str> {
        let key = key_of(key, KeyKind::Cosignature)
            .ok_or("not the verifier key of a witness (type 04, cosignatures)")?;
        if self.witnesses.iter().any(|known| known.key.public() == key.public()) {
            return Err("this witness's key stands here twice");
        }
        self.define(name, Quorum::Witness(self.witnesses.len()))?;
        self.witnesses.push(PolicyWitness { name: name.to_owned(), key, url: url.map(str::to_owned) });
        Ok(())
    }

    fn group(&mut self, name: &str, least: &str, members: &[&str]) -> Result<(), &'static str> {
        let members: Vec<Quorum> =
            members.iter().map(|member| self.member(member)).collect::<Result<_, _>>()?;
        let least = match least {
            "all" => members.len(),
            "any" => 1,
            number => crate::checkpoint::decimal(number)
                .and_then(|number| usize::try_from(number).ok())
                .ok_or("a group's second word is `all`, `any` or a number")?,
        };
        if least == 0 || least > members.len() {
            return Err("a group asks for one of its members at least, and for no more than it has");
        }
        self.define(name, Quorum::Group { least, members })
    }

    fn member(&mut self, name: &str) -> Result<Quorum, &'static str> {
        let defined = self.names.get_mut(name).ok_or("a group's members are named on the lines before it")?;
        defined.take().ok_or("this name is a member of a group already")
    }

    fn quorum(&mut self, name: &str) -> Result<(), &'static str> {
        if self.quorum.is_some() {
            return Err("there is a line `quorum` already");
        }
        let quorum = match name {
            "none" => Quorum::None,
            name => {
                let defined = self.names.get(name).ok_or("the quorum is named on a line before it")?;
                defined.clone().ok_or("the quorum is a member of a group: name the group")?
            }
        };
        self.quorum = Some(quorum);
        Ok(())
    }

    fn define(&mut self, name: &str, stands_for: Quorum) -> Result<(), &'static str> {
        if name == "none" || self.names.insert(name.to_owned(), Some(stands_for)).is_some() {
            return Err("this name is taken");
        }
        within(self.names.len())
    }
}

fn key_of(text: &str, kind: KeyKind) -> Option<VerifierKey> {
    VerifierKey::parse(text).ok().filter(|key| key.kind() == kind)
}

fn within(number: usize) -> Result<(), &'static str> {
    if number > MAX_NAMED { Err("too many") } else { Ok(()) }
}
