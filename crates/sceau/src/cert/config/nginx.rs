//! For nginx.

use super::{Client, Wanted};

pub(super) fn text(wanted: &Wanted) -> String {
    let Wanted { path, upstream, port, server_name, authorities, lists, certificate, key, depth, .. } =
        wanted;
    let check = wanted.check();
    let location = if path.is_empty() { "/" } else { path.as_str() };
    let maps = maps(wanted);
    let (places, remark, ocsp) = (places(wanted), wanted.remark(), wanted.ocsp.nginx());
    format!(
        r#"# nginx before a service: goes into the http block, for instance /etc/nginx/conf.d/sas.conf.
#
# nginx reads the lists when it starts: after each daily renewal of {lists}, `nginx -t && nginx -s reload`.
# A list that is over makes every certificate fail, as it should. Sessions are not resumed, so that each connection is judged anew;
# a connection that is open when a list comes stays open: worker_shutdown_timeout (main block) ends it.
{remark}{maps}
server {{
    listen {port} ssl;
    server_name {server_name};

    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache off;
    ssl_session_tickets off;

    # Asked for, not demanded: whoever is refused reads why.
    ssl_verify_client optional;
    ssl_verify_depth {depth};
    ssl_client_certificate {authorities};
    ssl_crl {lists};
{ocsp}
    # A certificate that does not hold would be answered with 400.
    error_page 495 = @sas_unauthorized;
    location @sas_unauthorized {{
        default_type application/json;
        if ($uri = {check}) {{
            return 403 '{{"status": "KO:Forbidden", "verify": "$ssl_client_verify", "CN": "$sas_cn"}}';
        }}
        return 401 '{{"status": "KO:Unauthorized", "verify": "$ssl_client_verify", "CN": "$sas_cn"}}';
    }}
{places}
    # Below {location} and nowhere else.
    location ^~ {path}/ {{
        default_type application/json;
        if ($sas_verified = "") {{
            return 401 '{{"status": "KO:Unauthorized", "verify": "$ssl_client_verify", "CN": "$sas_cn"}}';
        }}
        if ($sas_known = "") {{
            return 403 '{{"status": "KO:Forbidden", "verify": "$ssl_client_verify", "CN": "$sas_cn"}}';
        }}
        proxy_pass http://{upstream};
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto https;
    }}
}}
"#
    )
}

fn maps(wanted: &Wanted) -> String {
    let client = |client: &Client| format!("    \"~{}\" {};\n", escaped(&Wanted::subject(client)), client.id);
    let clients: String = wanted.clients.iter().map(client).collect();
    let known: String = if wanted.filter_addresses {
        wanted.clients.iter().map(|client| format!("    \"{0}:{0}\" 1;\n", client.id)).collect()
    } else {
        wanted.clients.iter().map(|client| format!("    \"~^{}:\" 1;\n", client.id)).collect()
    };
    let addresses: String = wanted
        .clients
        .iter()
        .flat_map(|client| {
            client.addresses.iter().map(move |address| format!("    {address} {};\n", client.id))
        })
        .collect();
    let issuer = escaped(&wanted.issuer());
    format!(
        r#"
# Who calls: exactly these common names and organizational units. A longer name that contains one of them is nobody's.
map $ssl_client_s_dn $sas_client {{
    default "";
{clients}}}

# Whose certificates are taken: this authority's, not all those below its anchor.
map $ssl_client_i_dn $sas_issuer {{
    default "";
    "~{issuer}" 1;
}}
map "$ssl_client_verify:$sas_issuer" $sas_verified {{
    default "";
    "SUCCESS:1" 1;
}}

# From where.
geo $sas_address {{
    default "";
{addresses}}}
map "$sas_client:$sas_address" $sas_known {{
    default "";
{known}}}

# The common name as far as it may stand in an answer.
map $ssl_client_s_dn $sas_cn {{
    default "";
    "~(?:^|,)CN=(?<sas_shown>[A-Za-z0-9 ._-]+)(?:,|$)" $sas_shown;
}}
"#
    )
}

/// `/check` answers 403 to whom it does not answer; beside the guarded path there is nothing.
fn places(wanted: &Wanted) -> String {
    let Wanted { upstream, path, .. } = wanted;
    let check = wanted.check();
    let nothing = if path.is_empty() { "" } else { "\n    location / {\n        return 404;\n    }\n" };
    format!(
        r#"{nothing}
    location = {check} {{
        default_type application/json;
        if ($sas_verified = "") {{
            return 403 '{{"status": "KO:Forbidden", "verify": "$ssl_client_verify", "CN": "$sas_cn"}}';
        }}
        if ($sas_known = "") {{
            return 403 '{{"status": "KO:Forbidden", "verify": "$ssl_client_verify", "CN": "$sas_cn"}}';
        }}
        proxy_pass http://{upstream};
    }}
"#
    )
}

/// Within quotes, nginx takes one of two backslashes away.
fn escaped(pattern: &str) -> String {
    pattern.replace('\\', "\\\\")
}
