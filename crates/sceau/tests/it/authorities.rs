//! OpenSSL as the authority: a root and an authority below it, named as those of the platform's test environments, and what they issue and take back.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::support::Desk;

/// Runs `openssl` in the desk's folder; its words are split at spaces, and `_` stands for one in a name.
pub(crate) fn openssl(desk: &Desk, words: &str) -> String {
    let words = words
        .split(' ')
        .map(|word| if word.starts_with("/C") { word.replace('_', " ") } else { word.to_owned() });
    let output = Command::new("openssl").args(words).current_dir(desk.path("")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned() + &said
}

/// A root and an authority below it, named as those of the test environments.
pub(crate) fn authorities(desk: &Desk) {
    desk.write(
        "ca.ext",
        b"basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n",
    );
    desk.write("leaf.ext", b"basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n");
    desk.write("server.ext", b"basicConstraints=critical,CA:false\nextendedKeyUsage=serverAuth\n");
    let dn = "/C=FR/O=ASIP-SANTE/OU=0002_187512751/OU=IGC-SANTE_TEST/CN=TEST_AC";
    openssl(
        desk,
        &format!(
            "req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -days 30 -subj {dn}_RACINE"
        ),
    );
    openssl(
        desk,
        &format!("req -new -newkey rsa:2048 -nodes -keyout aci.key -out aci.csr -subj {dn}_ORGANISATIONS"),
    );
    openssl(
        desk,
        "x509 -req -in aci.csr -CA root.pem -CAkey root.key -CAcreateserial -days 30 -extfile ca.ext -out aci.pem",
    );
    openssl(desk, "x509 -in aci.pem -outform DER -out aci.cer");
}

/// What the authority sends: DER, whose subject is more than the request's, as it decides itself.
pub(crate) fn issue(desk: &Desk, key: &str, subject: &str, extensions: &str, out: &str) {
    openssl(desk, &format!("req -new -key {key} -subj {subject} -out again.csr"));
    let authority = "-CA aci.pem -CAkey aci.key -CAcreateserial -days 20";
    openssl(
        desk,
        &format!("x509 -req -in again.csr {authority} -extfile {extensions} -outform DER -out {out}"),
    );
}

/// A key `NAME.key`, and its certificate of this subject in PEM, `NAME.pem`, from the authority below the root.
pub(crate) fn client(desk: &Desk, name: &str, subject: &str, extensions: &str) {
    openssl(desk, &format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key"));
    issue(desk, &format!("{name}.key"), subject, extensions, &format!("{name}.der"));
    openssl(desk, &format!("x509 -in {name}.der -inform DER -out {name}.pem"));
}

/// A certificate of the lower authority, for a client of this subject, that ended long ago.
pub(crate) fn expired(desk: &Desk, name: &str, subject: &str) {
    openssl(
        desk,
        &format!(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.csr -subj {subject}"
        ),
    );
    dated(desk, name, "-startdate 20240101000000Z -enddate 20250101000000Z -extfile leaf.ext");
}

/// `NAME.pem` for the request `NAME.csr`, with these dates and extensions.
pub(crate) fn dated(desk: &Desk, name: &str, dates: &str) {
    desk.write("issued", b"");
    desk.write("issuing.cnf", b"[ca]\ndefault_ca=a\n[a]\ndatabase=issued\nnew_certs_dir=.\ndefault_md=sha256\nrand_serial=yes\npolicy=p\n[p]\ncountryName=optional\norganizationName=optional\norganizationalUnitName=optional\ncommonName=supplied\n");
    openssl(
        desk,
        &format!(
            "ca -batch -config issuing.cnf -in {name}.csr -out {name}.pem -cert aci.pem -keyfile aci.key -notext -preserveDN {dates}"
        ),
    );
}

/// The lists of both, in one PEM file, with `revoked` certificates of the lower one on it; current for this many days.
pub(crate) fn lists(desk: &Desk, revoked: &[&str], days: u32, out: &str) {
    let line = |name: &&str| {
        let serial = openssl(desk, &format!("x509 -in {name}.pem -noout -serial"));
        let serial = serial.trim().trim_start_matches("serial=").to_owned();
        format!("R\t401101000000Z\t261119000000Z\t{serial}\tunknown\t/CN=x\n")
    };
    let mut all = Vec::new();
    for (authority, index) in [("root", String::new()), ("aci", revoked.iter().map(line).collect())] {
        desk.write("index", index.as_bytes());
        desk.write("number", b"2A\n");
        desk.write(
            "ca.cnf",
            b"[ca]\ndefault_ca=a\n[a]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\n",
        );
        let keys = format!("-cert {authority}.pem -keyfile {authority}.key");
        openssl(desk, &format!("ca -config ca.cnf -gencrl {keys} -crldays {days} -out {authority}.crl.pem"));
        all.extend(desk.read(&format!("{authority}.crl.pem")));
    }
    desk.write(out, &all);
}

/// A server's certificate for a host, which signs itself, and its key: `identity.pem`.
pub(crate) fn identity(desk: &Desk, host: &str) {
    openssl(
        desk,
        &format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.pem -days 2 -subj /CN={host} \
             -addext subjectAltName=DNS:{host}"
        ),
    );
    desk.write("identity.pem", &[desk.read("server.key"), desk.read("server.pem")].concat());
    std::fs::set_permissions(desk.path("identity.pem"), PermissionsExt::from_mode(0o600)).unwrap();
}
