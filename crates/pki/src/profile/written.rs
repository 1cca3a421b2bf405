//! A profile as its file is written (TOML). What is not known is refused.

use std::net::IpAddr;

use serde::Deserialize;

use super::{
    AuthorityChain, ClientNaming, FlowRole, ProfileAuthority, ProfileError, Step, Text, Tls, setting,
};
use crate::{
    demand::{CertificateType, Demands},
    name::{Name, NameError},
    oid::NotAnOid,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) source: String,
    pub(super) key: Key,
    pub(super) tls: Tls,
    pub(super) check: Check,
    pub(super) revocation: Revocation,
    pub(super) chain: Vec<Chain>,
    pub(super) environment: Vec<Environment>,
    #[serde(default)]
    pub(super) client: Vec<Client>,
    #[serde(default)]
    pub(super) flow: Vec<Flow>,
    #[serde(default)]
    pub(super) step: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub(super) kind: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Check {
    pub(super) path: String,
    pub(super) available: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Revocation {
    pub(super) ocsp: Option<String>,
    pub(super) renewed_from: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chain {
    pub(super) id: String,
    pub(super) page: String,
    pub(super) certificates_file: String,
    pub(super) lists_file: String,
    pub(super) anchor: Authority,
    pub(super) issuer: Authority,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Authority {
    pub(super) file: String,
    pub(super) certificate: String,
    pub(super) list_file: String,
    pub(super) list: String,
    pub(super) common_name: Option<String>,
    pub(super) common_name_begins: Option<String>,
    pub(super) organizational_unit: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Environment {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) chain: String,
    pub(super) client: Option<String>,
    pub(super) subject: String,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) url: String,
    #[serde(default)]
    pub(super) policies: Vec<String>,
    #[serde(default)]
    pub(super) types: Vec<Type>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Type {
    pub(super) extension: String,
    pub(super) text: Option<String>,
    pub(super) oid: Option<String>,
    pub(super) der: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) chain: String,
    pub(super) common_name: String,
    pub(super) key_file: String,
    pub(super) request_file: String,
    pub(super) certificate_file: String,
    pub(super) bundle_file: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Flow {
    pub(super) code: String,
    pub(super) title: String,
    pub(super) specification: String,
    pub(super) publisher: FlowRole,
}

pub(super) fn chain(written: Chain) -> Result<AuthorityChain, ProfileError> {
    let place = format!("chain {}", written.id);
    Ok(AuthorityChain {
        page: written.page,
        certificates_file: written.certificates_file,
        lists_file: written.lists_file,
        anchor: authority(&format!("{place}, anchor"), written.anchor)?,
        issuer: authority(&format!("{place}, issuer"), written.issuer)?,
        id: written.id,
    })
}

fn authority(place: &str, written: Authority) -> Result<ProfileAuthority, ProfileError> {
    let common_name = match (written.common_name, written.common_name_begins) {
        (Some(name), None) => Text::Exactly(name),
        (None, Some(start)) => Text::BeginsWith(start),
        _ => return Err(setting(place, "either common_name or common_name_begins is wanted")),
    };
    Ok(ProfileAuthority {
        file: written.file,
        certificate_url: written.certificate,
        list_file: written.list_file,
        list_url: written.list,
        common_name,
        organizational_unit: written.organizational_unit,
    })
}

pub(super) fn environment(written: Environment) -> Result<super::Environment, ProfileError> {
    let place = format!("environment {}, subject", written.id);
    let subject: Name =
        written.subject.parse().map_err(|error: NameError| setting(&place, &error.to_string()))?;
    if subject.common_name().is_none() {
        return Err(setting(&place, "one common name is wanted"));
    }
    let demands = demands(&written)?;
    Ok(super::Environment {
        id: written.id,
        demands,
        title: written.title,
        subject,
        addresses: written.addresses,
        url: written.url,
        client: written.client,
        chain: written.chain,
    })
}

/// What an environment's certificate says besides its names.
fn demands(written: &Environment) -> Result<Demands, ProfileError> {
    let place = |setting: &str| format!("environment {}, {setting}", written.id);
    let policies = written.policies.iter().map(|text| text.parse()).collect::<Result<_, NotAnOid>>();
    let policies = policies.map_err(|error| setting(&place("policies"), &error.to_string()))?;
    let read = |one: &Type| {
        let [text, oid, der] = [&one.text, &one.oid, &one.der].map(Option::as_deref);
        CertificateType::read(&one.extension, text, oid, der)
    };
    let types = written.types.iter().map(read).collect::<Result<_, _>>();
    let types = types.map_err(|error| setting(&place("types"), error.words()))?;
    Ok(Demands::new(policies, types))
}

pub(super) fn naming(written: Client) -> ClientNaming {
    ClientNaming {
        id: written.id,
        common_name: written.common_name,
        key_file: written.key_file,
        request_file: written.request_file,
        certificate_file: written.certificate_file,
        bundle_file: written.bundle_file,
        chain: written.chain,
    }
}

pub(super) fn flow(written: Flow) -> super::Flow {
    super::Flow {
        code: written.code,
        title: written.title,
        specification: written.specification,
        publisher: written.publisher,
    }
}
