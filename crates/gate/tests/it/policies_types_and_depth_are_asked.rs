//! What a table of clients demands of certificates besides their names: policies, types, and how many authorities stand between. Certificates by OpenSSL.

use std::{fs, path::Path, sync::OnceLock};

use tempfile::TempDir;

use crate::outside::{Stage, chain, run, usual};

pub(crate) const POLICY: &str = "1.2.250.1.71.1.2.50";
pub(crate) const TYPE: &str = "1.2.250.1.71.1.2.99";
const SUBJECT: &str = "/C=FR/O=X/OU=499700234190004/CN=sas-agregateur-recette";
const OTHER: &str = "/C=FR/O=X/OU=499700343942006/CN=sas-aggregator-preproduction";

/// Clients below the authority of the usual chain and below another one, which may issue under some policies only; and below three, one above the other.
fn made() -> &'static Path {
    static MADE: OnceLock<TempDir> = OnceLock::new();
    MADE.get_or_init(make).path()
}

fn make() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (at, above) = (folder.path(), chain().display());
    let leaf = "keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n";
    let authority = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";
    let make = |name: &str, by: &str, subject: &str, extensions: &str| {
        fs::write(at.join("extensions"), extensions).unwrap();
        run(
            at,
            "openssl",
            &format!(
                "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj {subject} -keyout {name}.key -out {name}.csr"
            ),
        );
        run(
            at,
            "openssl",
            &format!(
                "x509 -req -in {name}.csr -CA {by}.pem -CAkey {by}.key -CAcreateserial -CAserial {name}.srl -days 30 -extfile extensions -out {name}.pem"
            ),
        );
    };
    let usual = format!("{above}/authority");
    let policy = |named: &str| format!("certificatePolicies={named}\n");
    let is = |value: &str| format!("{TYPE}=ASN1:UTF8String:{value}\n");
    for (name, subject, said) in [
        ("both", SUBJECT, policy(POLICY) + &is("AUTH_CLI")),
        ("policy", SUBJECT, policy(POLICY)),
        ("type", SUBJECT, is("AUTH_CLI")),
        ("another", SUBJECT, policy("1.2.250.1.71.1.2.51") + &is("AUTH_SRV")),
        ("any", SUBJECT, policy("2.5.29.32.0") + &is("AUTH_CLI")),
        ("other", OTHER, is("AUTH_CLI")),
        ("stranger", "/CN=nobody", policy("1.2.3.4")),
    ] {
        make(name, &usual, subject, &format!("{leaf}{said}"));
    }
    let limited = format!("{authority}{}", policy("1.2.250.1.71.1.2.51"));
    make("limited", &format!("{above}/root"), "/CN=limited", &limited);
    make("exceeding", "limited", SUBJECT, &format!("{leaf}{}{}", policy(POLICY), is("AUTH_CLI")));
    let chained = |name: &str, by: &str| {
        let [own, above] = [name, by].map(|name| fs::read_to_string(at.join(format!("{name}.pem"))).unwrap());
        fs::write(at.join(format!("{name}.pem")), own + &above).unwrap();
    };
    chained("exceeding", "limited");
    for (name, by) in [("one", format!("{above}/root")), ("two", "one".into()), ("three", "two".into())] {
        make(name, &by, &format!("/CN={name}"), authority);
        make(&format!("below_{name}"), name, SUBJECT, leaf);
    }
    chained("two", "one");
    chained("three", "two");
    for name in ["one", "two", "three"] {
        chained(&format!("below_{name}"), name);
    }
    folder
}

pub(crate) fn as_made(name: &str) -> String {
    let at = made().display();
    format!("--cert {at}/{name}.pem --key {at}/{name}.key")
}

/// The usual file without lists, of any issuer below the root, with this in its table of clients and this in its only rule.
fn demanding(upstream: std::net::SocketAddr, table: &str, rule: &str) -> String {
    let text = usual(upstream, &[]);
    let issuer = format!("issuer = \"{}/authority.pem\"\n", chain().display());
    text.replace("revocation_lists = []\n", table).replace(&issuer, "") + rule
}

fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let mut lines = answer.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(said, _)| said.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
}

/// The status, the code and what the body says of the verification.
async fn asked(stage: &Stage, who: &str) -> (String, String) {
    let answer = stage.curl("/mtls-protect/a", &as_made(who)).await;
    let status = answer.split_whitespace().nth(1).unwrap().to_owned();
    (status, header(&answer, "sceau-code").to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_and_types_are_demanded_and_each_refusal_is_told_apart_everywhere() {
    let table = format!(
        "policies = [\"1.2.3.4\", \"{POLICY}\"]\ntypes = [{{ extension = \"{TYPE}\", text = \"AUTH_CLI\" }}]\n"
    );
    let seen = "[observe]\naddress = \"127.0.0.1:0\"\naccess_log = \"access.jsonl\"\n";
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::with(folder, |upstream| demanding(upstream, &table, seen)).await;
    for (who, status, code) in [
        ("both", "200", ""),
        ("policy", "403", "certificate_wrong_type"),
        ("type", "403", "certificate_wrong_policy"),
        ("another", "403", "certificate_wrong_policy"),
        ("any", "403", "certificate_wrong_policy"),
        ("exceeding", "403", "certificate_wrong_policy"),
        // Whoever is not known is told that, whatever else is wrong.
        ("stranger", "403", "client_unknown"),
    ] {
        assert_eq!(asked(&stage, who).await, (status.to_owned(), code.to_owned()), "{who}");
    }
    let answer = stage.curl("/mtls-protect/a", &as_made("type")).await;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let said = r#"{"status": "KO:Forbidden", "verify": "SUCCESS", "CN": "sas-agregateur-recette"}"#;
    assert_eq!(body, said);
    assert!(header(&answer, "sceau-reason").contains("under none of the policies"), "{answer}");
    let metrics = stage.call(&format!("http://{}/metrics", stage.observed.unwrap())).await;
    for (code, times) in [("certificate_wrong_policy", 5), ("certificate_wrong_type", 1)] {
        let line = format!("sceau_gate_verdicts_total{{clients=\"recette\",code=\"{code}\"}} {times}");
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
    let folder = stage.stop().await;
    let log = fs::read_to_string(folder.path().join("access.jsonl")).unwrap();
    for code in ["certificate_wrong_policy", "certificate_wrong_type"] {
        assert!(log.contains(&format!("\"{code}\"")), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_demands_for_its_own_client_and_a_reading_of_the_file_changes_it_at_once() {
    let rule = |policy: &str| {
        format!(
            "policies = [\"{policy}\"]\n[[clients.recette.allow]]\ncommon_name = \"sas-aggregator-preproduction\"\n\
             organizational_units = [\"499700343942006\"]\ntypes = [{{ extension = \"{TYPE}\", oid = \"1.2.3.4\" }}, {{ extension = \"{TYPE}\", der = \"0c08415554485f434c49\" }}]\n"
        )
    };
    let stage =
        Stage::with(tempfile::tempdir().unwrap(), |upstream| demanding(upstream, "", &rule(POLICY))).await;
    assert_eq!(asked(&stage, "policy").await.0, "200");
    assert_eq!(asked(&stage, "other").await.0, "200", "under no policy, which is not demanded of it");
    assert_eq!(asked(&stage, "type").await.1, "certificate_wrong_policy", "of the type, which is another's");
    stage.write(&demanding(stage.upstream, "", &rule("1.2.3.4")));
    stage.reload.ask().await.unwrap();
    assert_eq!(asked(&stage, "policy").await.1, "certificate_wrong_policy");
    // Named twice, it passes by either rule.
    let twice = format!(
        "{}[[clients.recette.allow]]\ncommon_name = \"sas-agregateur-recette\"\norganizational_units = [\"499700234190004\"]\npolicies = [\"{POLICY}\"]\n",
        rule("1.2.3.4")
    );
    stage.write(&demanding(stage.upstream, "", &twice));
    stage.reload.ask().await.unwrap();
    assert_eq!(asked(&stage, "policy").await.0, "200");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_authorities_may_stand_between_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::with(folder, |upstream| demanding(upstream, "", "")).await;
    for (depth, passing) in
        [("", 3), ("depth = 6\n", 3), ("depth = 2\n", 2), ("depth = 1\n", 1), ("depth = 0\n", 0)]
    {
        stage.write(&demanding(stage.upstream, depth, ""));
        stage.reload.ask().await.unwrap();
        for (between, who) in [(1, "below_one"), (2, "below_two"), (3, "below_three")] {
            let expected =
                if between <= passing { ("200", "") } else { ("401", "certificate_chain_too_long") };
            let (status, code) = asked(&stage, who).await;
            assert_eq!((status.as_str(), code.as_str()), expected, "{between} between, {depth}");
        }
    }
    let answer = stage.curl("/mtls-protect/a", &as_made("below_one")).await;
    assert!(answer.contains(r#""verify": "FAILED:certificate chain too long""#), "{answer}");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_demanded_is_refused_whole() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::with(folder, |upstream| demanding(upstream, "", "")).await;
    let at = |table: &str, rule: &str| demanding(stage.upstream, table, rule);
    for (text, said) in [
        (at("depth = 7\n", ""), "clients.recette, depth: at most six"),
        (at("policies = [\"x\"]\n", ""), "clients.recette, policies: a policy is an object identifier"),
        (at("", "policies = [\"1.2.x\"]\n"), "clients.recette, allow 1, policies"),
        (at("types = [{ extension = \"a\", text = \"b\" }]\n", ""), "clients.recette, types: `extension` is"),
        (at("", "types = [{ extension = \"1.2.3\" }]\n"), "clients.recette, allow 1, types: one of `text`"),
        (at("types = [{ extension = \"1.2.3\", value = \"b\" }]\n", ""), "unknown field"),
    ] {
        stage.refuses(&text, said).await;
    }
    assert_eq!(asked(&stage, "type").await.0, "200", "the one before is in force");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_says_what_an_environments_certificate_says() {
    let folder = tempfile::tempdir().unwrap();
    let at = chain().display();
    let shipped = include_str!("../../../pki/profiles/sas.toml");
    let own = |more: &str| {
        shipped.replacen(
            "[[environment]]\nid = \"recette\"\n",
            &format!("[[environment]]\nid = \"recette\"\n{more}\n"),
            1,
        )
    };
    let demand = format!("types = [{{ extension = \"{TYPE}\", text = \"AUTH_CLI\" }}]");
    fs::write(folder.path().join("ours.toml"), own(&demand)).unwrap();
    let text = |upstream: std::net::SocketAddr, more: &str| {
        let text = usual(upstream, &[]);
        let (before, _) = text.split_once("[clients.recette]").unwrap();
        format!(
            "{before}[clients.recette]\nprofile = \"./ours.toml\"\nenvironment = \"recette\"\nanchors = [\"{at}/root.pem\"]\nissuer = \"{at}/authority.pem\"\n\
             revocation_lists = [\"{at}/root.crl\", \"{at}/authority.crl\"]\naddresses = \"any\"\n{more}"
        )
    };
    let stage = Stage::with(folder, |upstream| text(upstream, "")).await;
    assert_eq!(asked(&stage, "type").await.0, "200");
    assert_eq!(asked(&stage, "policy").await.1, "certificate_wrong_type");
    // The profile's depth counts, and the table's own before it.
    for (depth, own_depth, status) in
        [("depth = 0", "", "401"), ("depth = 0", "depth = 1\n", "200"), ("depth = 10", "", "200")]
    {
        fs::write(stage.folder().join("ours.toml"), shipped.replacen("depth = 10", depth, 1)).unwrap();
        stage.write(&text(stage.upstream, own_depth));
        stage.reload.ask().await.unwrap();
        assert_eq!(asked(&stage, "type").await.0, status, "{depth} {own_depth}");
    }
    fs::write(stage.folder().join("ours.toml"), own("policies = [\"AUTH_CLI\"]")).unwrap();
    let refusal = stage.reload.ask().await.unwrap_err().to_string();
    assert!(refusal.contains("environment recette, policies"), "{refusal}");
    drop(stage.stop().await);
}
