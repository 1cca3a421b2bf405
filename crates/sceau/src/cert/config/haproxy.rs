//! For HAProxy.

use super::{Client, Issuer, Wanted};

pub(super) fn text(wanted: &Wanted) -> String {
    let Wanted { path, upstream, port, authorities, lists, certificate, .. } = wanted;
    let check = wanted.check();
    let path_of = if path.is_empty() {
        "path_beg /".to_owned()
    } else {
        format!("path {path}\n    acl sas_path path_beg {path}/")
    };
    let (acls, remark, ocsp) = (acls(wanted), wanted.remark(), wanted.ocsp.haproxy(certificate));
    let known: String = wanted
        .clients
        .iter()
        .map(|client| {
            format!(
                "    http-request set-var(txn.sas_known) str({}) if {}\n",
                client.id,
                conditions(wanted, client)
            )
        })
        .collect();
    format!(
        r#"# HAProxy before a service: a frontend and its backend, for instance in /etc/haproxy/haproxy.cfg.
#
# HAProxy reads the lists when it starts: after each daily renewal of {lists}, reload it. {certificate} holds the server's certificate
# and its key. Sessions are not resumed, so that each connection is judged anew: in the global section,
#     tune.ssl.cachesize 0
# A connection that is open when a list comes stays open until it ends (hard-stop-after, global section). HAProxy asks no OCSP responder about clients.
{ocsp}{remark}frontend sas
    mode http
    # Asked for, not demanded, and whoever is refused reads why: the verdict is below.
    bind :{port} ssl crt {certificate} ca-file {authorities} crl-file {lists} verify optional crt-ignore-err all ca-ignore-err all ssl-min-ver TLSv1.2 no-tls-tickets alpn h2,http/1.1
    timeout client 30s

    acl sas_path {path_of}
    acl sas_check path {check}
    acl sas_shown ssl_c_used
    acl sas_holds ssl_c_verify 0
    acl sas_authority_holds ssl_c_ca_err 0
{acls}
{known}
    # A path that a server may read otherwise is nobody's.
    http-request deny deny_status 400 if {{ path_sub .. }} || {{ path_sub // }} || {{ path_sub ; }} || {{ path_reg -i %(2e|2f|5c|3b|25|00) }}
    http-request return status 403 content-type application/json lf-string '{{"status": "KO:Forbidden", "verify": "NONE", "CN": ""}}' if sas_check !sas_shown
    http-request return status 403 content-type application/json lf-string '{{"status": "KO:Forbidden", "verify": "FAILED:%[ssl_c_verify]", "CN": "%[ssl_c_s_dn(cn),json]"}}' if sas_check !sas_holds || sas_check !sas_authority_holds || sas_check !sas_issuer
    http-request return status 401 content-type application/json lf-string '{{"status": "KO:Unauthorized", "verify": "NONE", "CN": ""}}' if sas_path !sas_shown
    http-request return status 401 content-type application/json lf-string '{{"status": "KO:Unauthorized", "verify": "FAILED:%[ssl_c_verify]", "CN": "%[ssl_c_s_dn(cn),json]"}}' if sas_path !sas_holds || sas_path !sas_authority_holds || sas_path !sas_issuer
    http-request return status 403 content-type application/json lf-string '{{"status": "KO:Forbidden", "verify": "SUCCESS", "CN": "%[ssl_c_s_dn(cn),json]"}}' if sas_path !{{ var(txn.sas_known) -m found }}
    # Nothing but the guarded path.
    http-request return status 404 unless sas_path
    default_backend sas_service

backend sas_service
    mode http
    timeout connect 5s
    timeout server 30s
    option forwardfor
    server service {upstream}
"#
    )
}

/// The issuer, and each client's name and units: exactly these, and no second common name or further unit.
fn acls(wanted: &Wanted) -> String {
    let mut lines = vec![match &wanted.issuer {
        Issuer::Whole(_, name) | Issuer::CommonName(name) => {
            format!("    acl sas_issuer ssl_c_i_dn(cn) -m str {}", word(name))
        }
        Issuer::Begins(start) => format!("    acl sas_issuer ssl_c_i_dn(cn) -m beg {}", word(start)),
    }];
    lines.push("    acl sas_second_name ssl_c_s_dn(cn,2) -m found".to_owned());
    for client in &wanted.clients {
        let id = &client.id;
        lines.push(format!("    acl {id}_name ssl_c_s_dn(cn) -m str {}", word(&client.common_name)));
        for (at, unit) in client.units.iter().enumerate() {
            lines.push(format!("    acl {id}_unit_{0} ssl_c_s_dn(ou,{0}) -m str {1}", at + 1, word(unit)));
        }
        lines.push(format!("    acl {id}_further_unit ssl_c_s_dn(ou,{}) -m found", client.units.len() + 1));
        if wanted.filter_addresses {
            let addresses: Vec<_> = client.addresses.iter().map(ToString::to_string).collect();
            lines.push(format!("    acl {id}_address src {}", addresses.join(" ")));
        }
    }
    lines.join("\n")
}

fn conditions(wanted: &Wanted, client: &Client) -> String {
    let id = &client.id;
    let units: String = (1..=client.units.len()).map(|at| format!(" {id}_unit_{at}")).collect();
    let address = if wanted.filter_addresses { format!(" {id}_address") } else { String::new() };
    format!(
        "sas_shown sas_holds sas_authority_holds sas_issuer {id}_name !sas_second_name{units} !{id}_further_unit{address}"
    )
}

/// A word of HAProxy's: spaces and what it reads otherwise are escaped.
fn word(text: &str) -> String {
    let one = |c: char| if " \\'\"#$".contains(c) { format!("\\{c}") } else { c.to_string() };
    text.chars().map(one).collect()
}
