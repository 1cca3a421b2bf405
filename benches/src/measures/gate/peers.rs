//! The gate and its peers, each on the first core: the same certificates, lists, rule and service.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use sceau_tests::{Program, Running, free_port};

use super::ground::Ground;

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Gate,
    Nginx,
    Haproxy,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Gate, Self::Nginx, Self::Haproxy];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gate => "the gate",
            Self::Nginx => "nginx",
            Self::Haproxy => "HAProxy",
        }
    }
}

/// One of them, running.
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    running: Running,
}

impl Peer {
    /// Starts one with a list (`short`, `long`) before a service.
    pub(super) fn start(
        kind: Kind,
        ground: &Ground,
        list: &str,
        service: SocketAddr,
    ) -> Result<Self, String> {
        let port = free_port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (file, text) = match kind {
            Kind::Gate => ("toml", gate(address, list, service)),
            Kind::Nginx => ("conf", nginx(ground, address, list, service)),
            Kind::Haproxy => ("cfg", haproxy(ground, address, list, service)),
        };
        // Each has a file of its own: a gate reads its file again when it changes.
        let file = &format!("{}-{port}.{file}", kind.name());
        ground.write(file, &text)?;
        let program = Program::other("taskset").named(kind.name()).args(["-c", "0"]).within(ground.folder());
        let logs = ground.path("logs");
        let path = ground.path(file);
        let running = match kind {
            Kind::Gate => {
                let gate = Program::ours("sceau-gate").path();
                program.arg(gate).args(["run", "--config"]).arg(path).start(&logs)
            }
            Kind::Nginx => {
                program.args(["nginx", "-p"]).arg(ground.folder()).arg("-c").arg(path).launch(&logs)
            }
            Kind::Haproxy => program.args(["haproxy", "-db", "-f"]).arg(path).launch(&logs),
        };
        let mut peer = Self { address, running };
        peer.running.until(|| TcpStream::connect(address).ok());
        Ok(peer)
    }

    pub(super) fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// What it holds of memory, in MiB.
    pub(super) fn memory(&self) -> Result<f64, String> {
        let file = format!("/proc/{}/smaps_rollup", self.pid());
        let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).ok_or("no Pss")?;
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().map_err(|_| "no number")?;
        Ok(kilobytes / 1024.0)
    }
}

fn gate(address: SocketAddr, list: &str, service: SocketAddr) -> String {
    format!(
        r#"
[[listener]]
address = "{address}"
certificate = "chain.pem"
key = "server.key"
[[listener.route]]
path = "/guarded"
upstream = "http://{service}"
clients = "recette"
[clients.recette]
anchors = ["root.pem"]
intermediates = ["authority.pem"]
issuer = "authority.pem"
revocation_lists = ["{list}.pem"]
[[clients.recette.allow]]
common_name = "sas-agregateur-recette"
organizational_units = ["499700234190004"]
"#
    )
}

fn nginx(ground: &Ground, address: SocketAddr, list: &str, service: SocketAddr) -> String {
    let at = ground.folder().display();
    format!(
        r#"
daemon off;
master_process off;
pid {at}/nginx.pid;
error_log {at}/nginx.error crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  upstream service {{ server {service}; keepalive 256; keepalive_requests 100000000; }}
  client_body_temp_path {at}/body; proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/fastcgi;
  uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;
  map_hash_bucket_size 256;
  map "$ssl_client_verify|$ssl_client_s_dn" $known {{
    default 0;
    "SUCCESS|CN=sas-agregateur-recette,OU=499700234190004,O=X,C=FR" 1;
  }}
  server {{
    listen {address} ssl backlog=4096;
    ssl_certificate {at}/chain.pem;
    ssl_certificate_key {at}/server.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache off;
    ssl_session_tickets off;
    ssl_verify_client optional;
    ssl_verify_depth 10;
    ssl_client_certificate {at}/anchors.pem;
    ssl_crl {at}/{list}.pem;
    location /guarded/ {{
      if ($known = 0) {{ return 401; }}
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Client-Cert $ssl_client_escaped_cert;
      proxy_pass http://service;
    }}
  }}
}}
"#
    )
}

fn haproxy(ground: &Ground, address: SocketAddr, list: &str, service: SocketAddr) -> String {
    let at = ground.folder().display();
    format!(
        r"
global
  nbthread 1
  maxconn 4096
  tune.ssl.cachesize 0
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  http-reuse always
frontend door
  bind {address} ssl crt {at}/server-and-key.pem ca-file {at}/anchors.pem crl-file {at}/{list}.pem verify optional no-tls-tickets alpn http/1.1
  acl known ssl_c_s_dn(CN) -m str sas-agregateur-recette
  acl unit ssl_c_s_dn(OU) -m str 499700234190004
  acl used ssl_c_used
  http-request deny deny_status 401 unless used known unit
  http-request set-header Client-Cert :%[ssl_c_der,base64]:
  default_backend service
backend service
  server one {service}
"
    )
}
