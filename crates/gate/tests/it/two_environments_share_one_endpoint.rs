//! The shipped profile `sas`, two of its environments on one endpoint: each environment's certificate passes from its own address, the third's nowhere.

use std::{fs, net::SocketAddr};

use crate::{
    balancers_say_whom_they_carry::balancer,
    kept::Kept,
    outside::{Stage, chain, run},
    workshop::Workshop,
};

/// From where the description says that each environment calls.
const RECETTE: &str = "51.91.149.173";
const PREPRODUCTION: &str = "37.59.26.69";
const PRODUCTION: &str = "51.68.88.222";

fn dn(organization: &str, unit: &str, name: &str) -> String {
    format!("C=FR\nST=Paris (75)\nO={organization}\nOU={unit}\nCN={name}")
}

/// Certificates named as in the description: of three environments, the third below its own authorities and below those of test, and two crossed ones.
fn clients() -> Workshop {
    let made = Workshop::open();
    let test = chain().join("authority").display().to_string();
    let recette = "CABINET MLLE DENTISTE0023419";
    let preproduction = "CABINET M. MASSEUR0034394";
    let production = "AGENCE DU NUMERIQUE EN SANTE";
    for (file, name) in [
        ("recette", dn(recette, "499700234190004", "sas-agregateur-recette")),
        ("preproduction", dn(preproduction, "499700343942006", "sas-aggregator-preproduction")),
        ("production_below_test", dn(production, "318751275100020", "sas-aggregator-production")),
        // The name of one with the unit of the other, and the spelling of one for the other.
        ("crossed", dn(recette, "499700343942006", "sas-agregateur-recette")),
        ("crossed_too", dn(preproduction, "499700234190004", "sas-aggregator-preproduction")),
        ("misspelt", dn(preproduction, "499700343942006", "sas-agregateur-preproduction")),
    ] {
        made.client(file, &name, &test, "");
    }
    let unit = "C=FR\nO=ASIP-SANTE\n0.OU=0002 187512751\n1.OU=IGC-SANTE\nCN=";
    made.root("anchor", &format!("{unit}AC RACINE IGC-SANTE ELEMENTAIRE"));
    made.authority("issuer", &format!("{unit}AC IGC-SANTE ELEMENTAIRE ORGANISATIONS"), "anchor");
    fs::copy(made.path().join("client.key"), made.path().join("issuer.key")).unwrap();
    for (file, name) in [
        ("production", dn(production, "318751275100020", "sas-aggregator-production")),
        ("recette_below_production", dn(recette, "499700234190004", "sas-agregateur-recette")),
    ] {
        made.client(file, &name, "issuer", "");
    }
    made
}

/// What `sas` says, but for where the lists are: nothing is fetched in a test.
fn table(environment: &str, lists: [String; 2]) -> String {
    format!("[clients.sas]\nprofile = \"sas\"\nenvironment = {environment}\nrevocation_lists = {lists:?}\n")
}

fn gate(upstream: SocketAddr, clients: &str) -> String {
    let chain = chain().display();
    format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\ncertificate = \"{chain}/server.pem\"\nkey = \"{chain}/server.key\"\nproxies = [\"127.0.0.1\"]\n\
         [[listener.route]]\nupstream = \"http://{upstream}\"\nclients = \"sas\"\n[identity]\nheaders = {{ environment = true }}\n{clients}"
    )
}

/// The status, the code, and for which environment the service was told that somebody calls.
async fn asked(stage: &Stage, made: &Workshop, who: &str, from: &str) -> (String, String, String) {
    let header = format!("PROXY TCP4 {from} 127.0.0.1 56324 443\r\n").into_bytes();
    let through = balancer(stage.address, header).await;
    let at = made.path();
    // Production's issuer is sent besides, so that its absence is no reason.
    let besides = format!("-cert_chain {}/issuer.pem", at.display());
    let mut kept = Kept::of(through, &at.join(format!("{who}.pem")), &at.join("client.key"), &besides);
    let (status, head) = kept.get("/fhir").await;
    let value = |text: &str, name: &str| {
        let found = text
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(said, _)| said.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    (status, value(&head, "sceau-code"), value(kept.body(), "x-ssl-client-environment"))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_environment_passes_from_its_own_address_and_the_third_does_not() {
    let (made, folder) = (clients(), tempfile::tempdir().unwrap());
    let lists = || ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()));
    for (of, file) in [("root", "ACR-EL-TEST.cer"), ("authority", "ACI-EL-ORG-TEST.cer")] {
        run(
            folder.path(),
            "openssl",
            &format!("x509 -in {}/{of}.pem -outform DER -out {file}", chain().display()),
        );
    }
    for (of, file) in [("anchor", "ACR-EL.cer"), ("issuer", "ACI-EL-ORG.cer")] {
        let words = format!("x509 -in {}/{of}.pem -outform DER -out {file}", made.path().display());
        run(folder.path(), "openssl", &words);
    }
    let both = table("[\"recette\", \"preproduction\"]", lists());
    let stage = Stage::with(folder, |upstream| gate(upstream, &both)).await;
    for (who, from, status, code, environment) in [
        ("recette", RECETTE, "200", "", "recette"),
        ("preproduction", PREPRODUCTION, "200", "", "preproduction"),
        ("recette", PREPRODUCTION, "403", "address_not_allowed", ""),
        ("preproduction", RECETTE, "403", "address_not_allowed", ""),
        ("recette", PRODUCTION, "403", "address_not_allowed", ""),
        ("preproduction", PRODUCTION, "403", "address_not_allowed", ""),
        ("preproduction", "127.0.0.1", "403", "address_not_allowed", ""),
        // Production's, as it is: another root. Its name does not help below the root of test, from wherever it calls.
        ("production", PRODUCTION, "401", "certificate_untrusted", ""),
        ("production", RECETTE, "401", "certificate_untrusted", ""),
        ("production_below_test", PRODUCTION, "403", "client_unknown", ""),
        ("production_below_test", PREPRODUCTION, "403", "client_unknown", ""),
        ("recette_below_production", RECETTE, "401", "certificate_untrusted", ""),
        ("crossed", RECETTE, "403", "client_unknown", ""),
        ("crossed", PREPRODUCTION, "403", "client_unknown", ""),
        ("crossed_too", PREPRODUCTION, "403", "client_unknown", ""),
        ("misspelt", PREPRODUCTION, "403", "client_unknown", ""),
    ] {
        let expected = (status.to_owned(), code.to_owned(), environment.to_owned());
        assert_eq!(asked(&stage, &made, who, from).await, expected, "{who} from {from}");
    }
    // Production by itself is the other way round; and one environment alone is the other's stranger.
    let own = ["anchor", "issuer"].map(|authority| made.empty_list(authority));
    for (clients, who, from, status, code) in [
        (table("\"production\"", own.clone()), "production", PRODUCTION, "200", ""),
        (table("\"production\"", own), "recette", RECETTE, "401", "certificate_untrusted"),
        (table("\"recette\"", lists()), "preproduction", PREPRODUCTION, "403", "client_unknown"),
        (table("\"preproduction\"", lists()), "preproduction", PREPRODUCTION, "200", ""),
        (table("\"preproduction\"", lists()), "recette", RECETTE, "403", "client_unknown"),
    ] {
        stage.write(&gate(stage.upstream, &clients));
        stage.reload.ask().await.unwrap();
        let (said, coded, _) = asked(&stage, &made, who, from).await;
        assert_eq!((said.as_str(), coded.as_str()), (status, code), "{who} from {from}: {clients}");
    }
    drop(stage.stop().await);
}
