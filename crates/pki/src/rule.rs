//! Who may pass by what a certificate's subject says: exact values, nothing contained in another, nothing beside them.

use crate::{name::Name, oid::Oid};

/// One client: a common name and organizational units, each as it is, in this order, and no other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SubjectRule {
    common_name: String,
    organizational_units: Vec<String>,
}

impl SubjectRule {
    /// Of a client that has this common name and these organizational units.
    pub fn new(common_name: &str, organizational_units: &[String]) -> Self {
        Self { common_name: common_name.to_owned(), organizational_units: organizational_units.to_vec() }
    }

    /// The common name.
    pub fn common_name(&self) -> &str {
        &self.common_name
    }

    /// The organizational units, in their order.
    pub fn organizational_units(&self) -> &[String] {
        &self.organizational_units
    }

    /// Whether the subject is this client's. A value in a string type that is not read here is nobody's.
    pub fn permits(&self, subject: &Name) -> bool {
        is_exactly(subject, &Oid::COMMON_NAME, std::slice::from_ref(&self.common_name))
            && is_exactly(subject, &Oid::ORGANIZATIONAL_UNIT, &self.organizational_units)
    }
}

fn is_exactly(subject: &Name, kind: &Oid, wanted: &[String]) -> bool {
    let mut values =
        subject.attributes().filter(|attribute| attribute.kind() == kind).map(|each| each.text());
    let same =
        wanted.iter().all(|wanted| values.next().flatten().is_some_and(|value| value == wanted.as_str()));
    same && values.next().is_none()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn only_the_very_name_and_unit_pass() {
        let rule = SubjectRule::new("sas-agregateur-recette", &["499700234190004".to_owned()]);
        assert!(rule.permits(&name("CN=sas-agregateur-recette,OU=499700234190004,O=X,C=FR")));
        for other in [
            "CN=xsas-agregateur-recette,OU=499700234190004",
            "CN=sas-agregateur-recette2,OU=499700234190004",
            "CN=SAS-agregateur-recette,OU=499700234190004",
            "CN=sas-agregateur-recette\\ ,OU=499700234190004",
            "CN=sas-аgregateur-recette,OU=499700234190004",
            "CN=sas-agregateur-recette,CN=autre,OU=499700234190004",
            "CN=sas-agregateur-recette,OU=499700234190004,OU=autre",
            "CN=sas-agregateur-recette,OU=autre,OU=499700234190004",
            "CN=sas-agregateur-recette",
            "CN=x\\,CN\\=sas-agregateur-recette,OU=499700234190004",
            "O=sas-agregateur-recette,OU=499700234190004",
            "OU=499700234190004",
        ] {
            assert!(!rule.permits(&name(other)), "{other}");
        }
    }

    #[test]
    fn two_units_are_asked_for_in_their_order() {
        let rule = SubjectRule::new("a", &["x".to_owned(), "y".to_owned()]);
        // The text has the last part first (RFC 4514).
        assert!(rule.permits(&name("CN=a,OU=y,OU=x")) && !rule.permits(&name("CN=a,OU=x,OU=y")));
    }
}
