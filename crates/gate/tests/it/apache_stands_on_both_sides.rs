//! Apache calls the gate with its certificate, and is the service behind it that asks for the gate's: each request is judged twice.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use crate::{
    others::{Server, free_port},
    outside::{Stage, chain, run, usual},
};

const MODULES: [&str; 8] =
    ["mpm_event", "ssl", "proxy", "proxy_http", "headers", "authz_core", "dir", "mime"];

/// Apache with these hosts, in a folder that its user can read.
fn apache(folder: &Path, name: &str, port: u16, host: &str) -> Server {
    let at = folder.join(name);
    fs::create_dir(&at).unwrap();
    fs::write(at.join("a"), "of Apache").unwrap();
    for path in [folder, &at] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let load = |name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n");
    let (modules, at) = (MODULES.map(load).concat(), at.display());
    let text = format!(
        "ServerRoot {at}\nPidFile {at}/pid\nServerName localhost\nErrorLog /dev/stderr\nMutex file:{at}\nUser www-data\nGroup www-data\n\
         {modules}TypesConfig /etc/mime.types\nDocumentRoot {at}\nListen 127.0.0.1:{port}\n<VirtualHost 127.0.0.1:{port}>\n{host}\n</VirtualHost>\n"
    );
    let path = folder.join(format!("{name}.conf"));
    fs::write(&path, text).unwrap();
    Server::start(folder, &["/usr/sbin/apache2", "-f", &path.display().to_string(), "-DFOREGROUND"], port)
}

/// A service that demands a certificate, and says whose it was shown.
fn service(folder: &Path) -> (Server, u16) {
    let (port, chain) = (free_port(), chain().display());
    let authorities = run(folder, "cat", &format!("{chain}/root.pem {chain}/authority.pem"));
    fs::write(folder.join("authorities.pem"), authorities).unwrap();
    let host = format!(
        "SSLEngine on\nSSLCertificateFile {chain}/server.pem\nSSLCertificateKeyFile {chain}/server.key\n\
         SSLCACertificateFile {}/authorities.pem\nSSLVerifyClient require\nSSLVerifyDepth 3\n\
         Header always set seen \"%{{SSL_CLIENT_S_DN_CN}}s\"",
        folder.display()
    );
    (apache(folder, "service", port, &host), port)
}

/// A caller that shows this client's certificate to the gate, for whoever asks it without TLS.
fn caller(folder: &Path, client: &str, gate: u16) -> (Server, u16) {
    let (port, chain) = (free_port(), chain().display());
    let shown = run(folder, "cat", &format!("{chain}/{client}.pem {chain}/{client}.key"));
    fs::write(folder.join(format!("{client}-shown.pem")), shown).unwrap();
    let host = format!(
        "SSLProxyEngine on\nSSLProxyVerify require\nSSLProxyCACertificateFile {chain}/root.pem\n\
         SSLProxyMachineCertificateFile {}/{client}-shown.pem\nProxyPass / https://localhost:{gate}/",
        folder.display()
    );
    (apache(folder, client, port, &host), port)
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_stands_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let (_service, behind) = service(folder.path());
    let chain_at = chain().display();
    let lists = ["root", "authority"].map(|name| format!("{chain_at}/{name}.crl"));
    let tls = format!(
        "tls = {{ authority = \"{chain_at}/root.pem\", certificate = \"{chain_at}/known.pem\", key = \"{chain_at}/known.key\" }}"
    );
    let with = |upstream| {
        let plain = format!("path = \"/mtls-protect/\"\nupstream = \"http://{upstream}\"");
        let secure = format!("path = \"/mtls-protect/\"\nupstream = \"https://localhost:{behind}\"\n{tls}");
        usual(upstream, &lists).replacen(&plain, &secure, 1)
    };
    let stage = Stage::with(tempfile::tempdir().unwrap(), with).await;
    for (client, status) in [("known", " 404"), ("revoked", " 401"), ("unknown", " 403")] {
        let (_caller, port) = caller(folder.path(), client, stage.address.port());
        let answer = stage.call(&format!("-i http://127.0.0.1:{port}/mtls-protect/a")).await;
        assert!(answer.lines().next().unwrap().contains(status), "{client}: {answer}");
        let seen = answer.contains("seen: sas-agregateur-recette\r\n");
        assert_eq!(
            seen,
            client == "known",
            "the service saw the gate's certificate, and this one alone: {answer}"
        );
    }
    drop(stage.stop().await);
}
