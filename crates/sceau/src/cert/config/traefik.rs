//! For Traefik.

use super::Wanted;

pub(super) fn text(wanted: &Wanted) -> String {
    let Wanted { path, upstream, server_name, authorities, certificate, key, .. } = wanted;
    let names: Vec<_> = wanted
        .clients
        .iter()
        .map(|client| format!("#   CN={} and OU={}", client.common_name, client.units.join(", ")))
        .collect();
    let names = names.join("\n");
    let location = if path.is_empty() { "/" } else { path.as_str() };
    format!(
        r#"# Traefik before a service: dynamic configuration (the file provider).
#
# This is NOT ENOUGH by itself. Traefik has neither revocation lists nor rules for names: whoever has any certificate below the authorities passes, taken back or not.
# The service behind it must read X-Forwarded-Tls-Client-Cert-Info, let in exactly
{names}
# of {issuer} only, and look into the lists. Or put `sceau gate` in its place.
# Whoever shows no certificate, or one that does not hold, sees a TLS alert, and no 401.
tls:
  certificates:
    - certFile: {certificate}
      keyFile: {key}
  options:
    sas:
      minVersion: VersionTLS12
      clientAuth:
        caFiles:
          - {authorities}
        clientAuthType: RequireAndVerifyClientCert
http:
  routers:
    sas:
      rule: "Host(`{server_name}`) && PathPrefix(`{location}`)"
      service: sas
      middlewares:
        - sas-names
      tls:
        options: sas
  middlewares:
    sas-names:
      passTLSClientCert:
        info:
          subject:
            commonName: true
            organizationalUnit: true
          issuer:
            commonName: true
          serialNumber: true
  services:
    sas:
      loadBalancer:
        servers:
          - url: "http://{upstream}"
"#,
        issuer = wanted.chain.issuer.described()
    )
}
