//! Responders (OCSP) in other servers' settings: asked about clients, and whose answer is handed out with the server's own certificate (stapling).

use std::net::IpAddr;

use sceau_pki::Profile;

use super::{Server, fault};
use crate::failure::Failure;

/// What is asked of responders.
#[derive(Debug, clap::Args)]
pub(super) struct OcspOptions {
    /// Ask a responder about each client's certificate, besides the lists: the profile's, else the one that each certificate names (nginx, Apache)
    #[arg(long, value_name = "URL", num_args = 0..=1, require_equals = true)]
    ocsp: Option<Option<url::Url>>,
    /// Name server by which nginx finds the responder, where that has a name
    #[arg(long, value_name = "ADDRESS", requires = "ocsp")]
    resolver: Option<IpAddr>,
    /// Hand out what the responder of the server's own certificate says of it (stapling)
    #[arg(long)]
    staple: bool,
}

/// What a configuration is to say of responders.
#[derive(Debug, Default)]
pub(super) struct Ocsp {
    pub(super) clients: Option<Asked>,
    pub(super) staple: bool,
}

/// Who is asked about clients.
#[derive(Debug)]
pub(super) struct Asked {
    /// None: whom each certificate names.
    pub(super) responder: Option<String>,
    pub(super) resolver: Option<IpAddr>,
}

impl OcspOptions {
    /// # Errors
    /// What the server cannot do, or what is missing.
    pub(super) fn read(&self, server: Server, profile: &Profile) -> Result<Ocsp, Failure> {
        let staple = self.staple;
        if staple && matches!(server, Server::Traefik) {
            let words = "Traefik's settings here staple nothing: leave --staple out, or put sceau gate before the service";
            return Err(fault::usage("no_stapling", words));
        }
        let Some(named) = &self.ocsp else { return Ok(Ocsp { clients: None, staple }) };
        if matches!(server, Server::Haproxy | Server::Traefik) {
            let words = "neither HAProxy nor Traefik asks a responder (OCSP) about clients: lists alone say there who was taken back. Leave --ocsp out, or put sceau gate before the service";
            return Err(fault::usage("no_ocsp", words));
        }
        let responder = match (named, &profile.ocsp) {
            (Some(url), _) => Some(url.clone()),
            (None, Some(text)) => Some(text.parse().map_err(|_| no_responder())?),
            (None, None) => None,
        };
        if let Some(url) = &responder {
            let plain =
                |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-~:[]".contains(c));
            if url.scheme() != "http" || !plain(url.as_str()) {
                return Err(no_responder());
            }
        }
        let has_name = responder.as_ref().is_none_or(|url| matches!(url.host(), Some(url::Host::Domain(_))));
        if matches!(server, Server::Nginx) && has_name && self.resolver.is_none() {
            let words = "nginx finds a responder that has a name only by a name server that its settings name: give --resolver, for instance 127.0.0.53";
            return Err(fault::usage("resolver", words));
        }
        let responder = responder.map(|url| url.as_str().trim_end_matches('/').to_owned());
        Ok(Ocsp { clients: Some(Asked { responder, resolver: self.resolver }), staple })
    }
}

fn no_responder() -> Failure {
    fault::usage(
        "responder",
        "a responder's address begins with http:// (its answers are signed), and has neither user nor query",
    )
}

impl Ocsp {
    /// For a server block of nginx.
    pub(super) fn nginx(&self) -> String {
        let mut text = String::new();
        if let Some(Asked { responder, resolver }) = &self.clients {
            text += "\n    # The responder is asked about the client's own certificate, and remembered until its answer ends; authorities between go by the lists.\n\
                     \x20   # Where none answers nobody passes: nginx knows no list to fall back on.\n    ssl_ocsp leaf;\n    ssl_ocsp_cache shared:sas_ocsp:4m;\n";
            text +=
                &responder.iter().map(|url| format!("    ssl_ocsp_responder {url};\n")).collect::<String>();
            text += &resolver
                .iter()
                .map(|address| format!("    resolver {};\n", bracketed(*address)))
                .collect::<String>();
        }
        if self.staple {
            // With `ssl_stapling_verify` its authority would have to stand in `ssl_trusted_certificate`, and clients of that one would be believed.
            text += "\n    # What the responder of this server's own certificate says is handed out, once nginx asked it: the issuer stands behind the certificate in its file.\n\
                     \x20   # Clients verify it. ssl_stapling_verify would want ssl_trusted_certificate, and nginx believes clients of all authorities in that.\n    ssl_stapling on;\n";
        }
        text
    }

    /// For a virtual host of Apache; and what stands before it.
    pub(super) fn apache(&self) -> (String, &'static str) {
        let mut text = String::new();
        if let Some(Asked { responder, .. }) = &self.clients {
            text += "\n    # The responder is asked about the client's own certificate at each handshake; authorities between go by the lists. Where none answers nobody passes.\n\
                     \x20   # Public responders answer without a nonce, and Apache would take none without one.\n    SSLOCSPEnable leaf\n    SSLOCSPUseRequestNonce off\n    SSLOCSPResponderTimeout 2\n";
            if let Some(url) = responder {
                text += &format!("    SSLOCSPDefaultResponder {url}\n    SSLOCSPOverrideResponder on\n");
            }
        }
        if !self.staple {
            return (text, "");
        }
        text += "\n    # What the responder of this server's own certificate says is handed out: the issuer stands behind the certificate in its file.\n    SSLUseStapling on\n    SSLStaplingReturnResponderErrors off\n";
        (
            text,
            "# Besides: a2enmod socache_shmcb\nSSLStaplingCache \"shmcb:${APACHE_RUN_DIR}/sas_stapling(65536)\"\n",
        )
    }

    /// For HAProxy's first lines.
    pub(super) fn haproxy(&self, certificate: &str) -> String {
        if !self.staple {
            return String::new();
        }
        format!(
            "# Stapling: HAProxy 2.6 asks no responder. It hands out the response that lies in {certificate}.ocsp (DER) when it starts, as `openssl ocsp -respout` or\n\
             # `sceau cert ca ocsp-response` writes it; before that ends, put another there and reload.\n"
        )
    }
}

fn bracketed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}
