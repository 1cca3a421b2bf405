//! For Apache.

use super::{Client, Wanted};

pub(super) fn text(wanted: &Wanted) -> String {
    let Wanted { path, upstream, port, server_name, authorities, lists, certificate, key, depth, .. } =
        wanted;
    let check = wanted.check();
    let location = if path.is_empty() { "/" } else { path.as_str() };
    let clients: String = wanted.clients.iter().map(|client| rule(wanted, client)).collect();
    let (issuer, remark) = (wanted.issuer(), wanted.remark());
    let (ocsp, before) = wanted.ocsp.apache();
    let nothing = if path.is_empty() {
        ""
    } else {
        "    # Beside the guarded path there is nothing.\n    <Location \"/\">\n        Require all denied\n    </Location>\n"
    };
    format!(
        r#"# Apache before a service: goes among the sites, for instance /etc/apache2/sites-available/sas.conf.
# Modules: a2enmod ssl rewrite proxy proxy_http
#
# Apache reads the lists when it starts: after each daily renewal of {lists}, `apachectl configtest && apachectl graceful`.
# It breaks off the handshake for a certificate that has expired, was revoked or is of another authority: whoever shows one sees a TLS alert, and no 401.
# Whoever shows none reads 401; whoever is not known, 403. Sessions are not resumed, so that each connection is judged anew.
{remark}{before}Listen {port}
<VirtualHost *:{port}>
    ServerName {server_name}

    SSLEngine on
    SSLProtocol -all +TLSv1.2 +TLSv1.3
    SSLCertificateFile {certificate}
    SSLCertificateKeyFile {key}
    SSLSessionTickets off

    # Asked for in the first handshake: asking later, for one path, many clients do not understand.
    SSLVerifyClient optional
    SSLVerifyDepth {depth}
    SSLCACertificateFile {authorities}
    SSLCARevocationFile {lists}
    SSLCARevocationCheck chain
{ocsp}
    RewriteEngine on
    RewriteCond %{{SSL:SSL_CLIENT_VERIFY}} !=SUCCESS
    RewriteRule ^{path}/check$ - [F,L]
    RewriteCond %{{SSL:SSL_CLIENT_VERIFY}} !=SUCCESS
    RewriteRule ^{path}(?:/|$) - [R=401,L]
    ErrorDocument 401 "{{\"status\": \"KO:Unauthorized\", \"verify\": \"%{{SSL_CLIENT_VERIFY}}\", \"CN\": \"\"}}"
    ErrorDocument 403 "{{\"status\": \"KO:Forbidden\", \"verify\": \"%{{SSL_CLIENT_VERIFY}}\", \"CN\": \"\"}}"

    ProxyRequests off
    ProxyPass {location} http://{upstream}{location}

{nothing}    # Exactly these common names and organizational units, of this authority and of no other below its anchor.
    <Location "{location}">
        <RequireAll>
            Require expr %{{SSL_CLIENT_VERIFY}} == 'SUCCESS'
            Require expr %{{SSL_CLIENT_I_DN}} =~ m#{issuer}#
            <RequireAny>
{clients}            </RequireAny>
        </RequireAll>
    </Location>
    # {check} is one of them: there a failed authentication is 403.
</VirtualHost>
"#
    )
}

fn rule(wanted: &Wanted, client: &Client) -> String {
    let name = format!("Require expr %{{SSL_CLIENT_S_DN}} =~ m#{}#", Wanted::subject(client));
    if !wanted.filter_addresses {
        return format!("                {name}\n");
    }
    let addresses: Vec<_> = client.addresses.iter().map(ToString::to_string).collect();
    format!(
        "                <RequireAll>\n                    {name}\n                    Require ip {}\n                </RequireAll>\n",
        addresses.join(" ")
    )
}
