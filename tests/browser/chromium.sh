#!/usr/bin/env bash
# A Chromium that trusts an authority and holds a client certificate, without touching this machine's settings.
#
#   SCEAU_HOME           folder of this browser alone: its NSS database, its policies, its HOME
#   SCEAU_AUTHORITY      certificate to trust, PEM (optional)
#   SCEAU_P12            client certificate and key, PKCS#12 (optional)
#   SCEAU_P12_PASSWORD   the password of that file
#   SCEAU_CERT_HOST      host that gets the certificate without asking, for instance cles.localhost
#
# All arguments go to Chromium. The policy that answers the certificate prompt is read from /etc/chromium only, so a
# copy of that folder is mounted over it in a mount namespace of our own; where namespaces are refused, Chromium asks.
set -euo pipefail

home=${SCEAU_HOME:?}
nss=$home/.pki/nssdb
settings=$home/etc-chromium

if [[ ! -d $nss ]]; then
  mkdir -p "$nss"
  certutil -N --empty-password -d "sql:$nss"
  if [[ -n ${SCEAU_AUTHORITY:-} ]]; then
    certutil -A -d "sql:$nss" -n "Sceau, embedded authority" -t "C,," -i "$SCEAU_AUTHORITY"
  fi
  if [[ -n ${SCEAU_P12:-} ]]; then
    pk12util -i "$SCEAU_P12" -d "sql:$nss" -K "" -w <(printf '%s' "${SCEAU_P12_PASSWORD:-}") >&2
  fi
fi

if [[ ! -d $settings ]]; then
  mkdir -p "$settings"
  if [[ -d /etc/chromium ]]; then cp -a /etc/chromium/. "$settings/"; fi
  mkdir -p "$settings/policies/managed"
  if [[ -n ${SCEAU_CERT_HOST:-} ]]; then
    printf '{"AutoSelectCertificateForUrls":["{\\"pattern\\":\\"https://%s\\",\\"filter\\":{}}"]}\n' "$SCEAU_CERT_HOST" \
      > "$settings/policies/managed/sceau.json"
  fi
fi

unset SCEAU_P12_PASSWORD
export HOME=$home SCEAU_SETTINGS=$settings
# shellcheck disable=SC2016 # expanded by the inner shell
inside='mount --bind "$SCEAU_SETTINGS" /etc/chromium && exec chromium "$@"'
if [[ $(id -u) == 0 ]] && unshare --mount true 2> /dev/null; then
  exec unshare --mount sh -c "$inside" chromium --no-sandbox "$@"
elif unshare --user --map-root-user --mount true 2> /dev/null; then
  exec unshare --user --map-root-user --mount sh -c "$inside" chromium --no-sandbox "$@"
fi
exec chromium "$@"
