//! Authorities of OpenSSL's whose certificates say where lists are, and a gate that follows them.

use std::{fs, net::SocketAddr, path::Path};

use tempfile::TempDir;

use crate::outside::{Stage, run, until, usual};

pub(crate) const SUBJECT: &str = "/C=FR/O=X/OU=499700234190004/CN=sas-agregateur-recette";
pub(crate) const CLIENT: &str = "keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\ncertificatePolicies=1.2.250.1.71.1.2.50\n\
    1.2.250.1.71.1.2.2=ASN1:UTF8String:a\n";
pub(crate) const POLICY: &str = "certificatePolicies=1.2.250.1.71.1.2.50\n";
pub(crate) const KIND: &str = "1.2.250.1.71.1.2.2=ASN1:UTF8String:a\n";
/// Both, as a table of clients demands them.
pub(crate) const DEMANDED: &str =
    "policies = [\"1.2.250.1.71.1.2.50\"]\ntypes = [{ extension = \"1.2.250.1.71.1.2.2\", text = \"a\" }]\n";
pub(crate) const AUTHORITY: &str =
    "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";

/// Certificates and lists of a test's own.
pub(crate) struct Own(TempDir);

impl Own {
    /// A root, and its list as `root.crl`; an authority below it, whose list is published at these places.
    pub(crate) fn with(root_list: &str) -> Self {
        let own = Self(tempfile::tempdir().unwrap());
        own.make("root", None, "/CN=root", AUTHORITY);
        own.make("authority", Some("root"), "/CN=authority", &format!("{AUTHORITY}{}", points(&[root_list])));
        own
    }

    pub(crate) fn at(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn make(&self, name: &str, by: Option<&str>, subject: &str, extensions: &str) {
        fs::write(self.at().join("extensions"), extensions).unwrap();
        let words = "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        run(self.at(), "openssl", &format!("{words} -subj {subject} -keyout {name}.key -out {name}.csr"));
        let by = match by {
            Some(by) => format!("-CA {by}.pem -CAkey {by}.key -CAcreateserial"),
            None => format!("-signkey {name}.key"),
        };
        let words = format!("x509 -req -in {name}.csr {by} -days 30 -extfile extensions -out {name}.pem");
        run(self.at(), "openssl", &words);
    }

    pub(crate) fn client(&self, name: &str, places: &[&str]) {
        self.make(name, Some("authority"), SUBJECT, &format!("{CLIENT}{}", points(places)));
    }

    /// The DER of an authority's list, which holds for a week.
    pub(crate) fn list(&self, authority: &str, number: &str, revoked: &[&str]) -> Vec<u8> {
        self.dated(authority, number, revoked, "-crldays 7")
    }

    /// The same of a list that ended an hour ago.
    pub(crate) fn ended(&self, authority: &str, number: &str) -> Vec<u8> {
        let moment =
            |text: &str| run(self.at(), "date", &format!("-u -d {text} +%Y%m%d%H%M%SZ")).trim().to_owned();
        let dates = format!("-crl_lastupdate {} -crl_nextupdate {}", moment("-2days"), moment("-1hour"));
        self.dated(authority, number, &[], &dates)
    }

    fn dated(&self, authority: &str, number: &str, revoked: &[&str], dates: &str) -> Vec<u8> {
        let line = |name: &&str| {
            let serial = run(self.at(), "openssl", &format!("x509 -in {name}.pem -noout -serial"));
            let serial = serial.trim().trim_start_matches("serial=").to_owned();
            format!("R\t351101000000Z\t261101000000Z\t{serial}\tunknown\t/CN={name}\n")
        };
        let write = |name: &str, text: &str| fs::write(self.at().join(name), text).unwrap();
        write("index", &revoked.iter().map(line).collect::<String>());
        write("number", &format!("{number}\n"));
        write("ca.cnf", "[ca]\ndefault_ca=a\n[a]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\n");
        let keys = format!("-cert {authority}.pem -keyfile {authority}.key");
        run(self.at(), "openssl", &format!("ca -config ca.cnf -gencrl {keys} -out list.pem {dates}"));
        run(self.at(), "openssl", "crl -in list.pem -out list -outform DER");
        fs::read(self.at().join("list")).unwrap()
    }

    pub(crate) fn shown(&self, name: &str) -> String {
        let at = self.at().display();
        format!("--cert {at}/{name}.pem --key {at}/{name}.key")
    }

    /// The usual file with these authorities, and these lines for their lists.
    pub(crate) fn text(&self, upstream: SocketAddr, lists: &str) -> String {
        let at = self.at().display();
        let text = usual(upstream, &[]).replace("revocation_lists = []\n", lists);
        let (before, after) = text.split_once("[clients.recette]\n").unwrap();
        let after = after.replace(&format!("{}/", crate::outside::chain().display()), &format!("{at}/"));
        format!("{before}[clients.recette]\n{after}")
    }
}

pub(crate) fn points(places: &[&str]) -> String {
    let places: Vec<_> = places.iter().map(|place| format!("URI:{place}")).collect();
    if places.is_empty() { String::new() } else { format!("crlDistributionPoints={}\n", places.join(",")) }
}

pub(crate) fn allowing(hosts: &[String]) -> String {
    format!("distribution_points = {hosts:?}\n")
}

pub(crate) async fn code(stage: &Stage, words: &str) -> String {
    let answer = stage.curl("/mtls-protect/a", words).await;
    let code = answer.lines().find_map(|line| line.strip_prefix("sceau-code: "));
    code.map_or_else(|| answer.split_whitespace().nth(1).unwrap().to_owned(), str::to_owned)
}

/// Asks until the answer has this code, which is the status where there is none.
pub(crate) async fn becomes(stage: &Stage, words: &str, wanted: &str) {
    turns(stage, words, "certificate_revocation_unknown", wanted).await;
}

/// The same; until then, the answer is that other one.
pub(crate) async fn turns(stage: &Stage, words: &str, before: &str, wanted: &str) {
    until(wanted, async || {
        let said = code(stage, words).await;
        assert!(said == wanted || said == before, "{said} before {wanted}");
        said == wanted
    })
    .await;
}
