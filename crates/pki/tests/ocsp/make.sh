#!/bin/sh
# Makes the responses that tests/it/answers_of_responders_are_judged.rs reads, by OpenSSL alone: an authority, those who answer in its name, and those who only say
# so. Run once in this folder; the moment at which it ran is kept in `made`, and the tests are told that it is then.
set -eu
at=$(pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
date -u +%s > "$at/made"

cat > ca.cnf <<'CNF'
[req]
distinguished_name=none
prompt=no
[none]
[ca]
default_ca=one
[one]
new_certs_dir=.
database=index
crlnumber=number
default_md=sha256
policy=any
unique_subject=no
rand_serial=yes
[any]
countryName=optional
organizationName=optional
commonName=optional
[authority]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
[client]
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=clientAuth
[delegate]
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=OCSPSigning
noCheck=ignored
[checked]
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=OCSPSigning
[enciphering]
basicConstraints=critical,CA:FALSE
keyUsage=critical,keyEncipherment
extendedKeyUsage=OCSPSigning
noCheck=ignored
CNF
: > index
echo 01 > number

request() { # name, subject
    openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
    openssl req -new -config ca.cnf -key "$1.key" -subj "$2" -out "$1.csr"
}
sign() { # name, authority, section, dates
    openssl ca -batch -config ca.cnf -notext -preserveDN -in "$1.csr" -out "$1.pem" -cert "$2.pem" -keyfile "$2.key" -extensions "$3" $4 2> log || cat log
}
keep() { # certificate
    openssl x509 -in "$1.pem" -outform DER -out "$at/$1.der"
}
for authority in issuer stranger; do
    openssl genrsa -out "$authority.key" 2048 2> log
    openssl req -x509 -new -config ca.cnf -key "$authority.key" -subj "/C=FR/O=ESSAI/CN=TEST AC $authority" -days 3650 -extensions authority -out "$authority.pem"
    keep "$authority"
done
for client in leaf other revoked strange; do
    request "$client" "/C=FR/O=ESSAI/CN=$client"
done
for client in leaf other revoked; do
    sign "$client" issuer client "-days 3000"
    keep "$client"
done
sign strange stranger client "-days 3000"
for one in delegate checked enciphering ended taken; do
    request "$one" "/C=FR/O=ESSAI/CN=OCSP $one"
done
for one in delegate enciphering; do sign "$one" issuer "$one" "-days 3000"; done
sign checked issuer checked "-days 3000"
sign taken issuer checked "-days 3000"
sign ended issuer delegate "-startdate 20240101000000Z -enddate 20250101000000Z"
request impostor "/C=FR/O=ESSAI/CN=OCSP delegate"
sign impostor stranger delegate "-days 3000"
openssl ca -config ca.cnf -revoke revoked.pem -crl_reason keyCompromise -cert issuer.pem -keyfile issuer.key 2> log
openssl ca -config ca.cnf -revoke taken.pem -cert issuer.pem -keyfile issuer.key 2> log
openssl ca -config ca.cnf -gencrl -crldays 3000 -cert issuer.pem -keyfile issuer.key -out list.pem 2> log
openssl crl -in list.pem -outform DER -out "$at/issuer.crl"
grep -v "CN=other" index > index.some
cp index.attr index.some.attr

ask() { # name, certificate, hash, words
    openssl ocsp -issuer issuer.pem "-$3" -cert "$2.pem" $4 -reqout "$1.req" > log 2>&1
}
answer() { # name, request, signer, index, words
    openssl ocsp -index "$4" -CA issuer.pem -rsigner "$3.pem" -rkey "$3.key" -reqin "$2.req" -respout "$at/$1.der" $5 > log 2>&1 || { cat log; exit 1; }
}
ask plain leaf sha1 -no_nonce
ask asked leaf sha1 -nonce
cp asked.req "$at/asked.req"
ask sha256 leaf sha256 -no_nonce
ask other other sha1 -no_nonce
ask revoked revoked sha1 -no_nonce
day="-ndays 7"
answer good plain delegate index "$day"
answer good-by-key plain delegate index "$day -resp_key_id"
answer good-by-issuer plain issuer index "$day -resp_no_certs"
answer good-for-nonce asked delegate index "$day"
answer good-sha256 sha256 delegate index "$day -rmd sha512"
answer good-without-end plain delegate index ""
answer of-revoked revoked delegate index "$day"
answer of-unknown other delegate index.some "$day"
answer of-other other delegate index "$day"
answer checked plain checked index "$day"
answer taken plain taken index "$day"
answer by-client plain other index "$day"
answer by-enciphering plain enciphering index "$day"
answer by-ended plain ended index "$day"
answer by-impostor plain impostor index "$day"
answer sha1-signed plain delegate index "$day -rmd sha1"
answer without-signer plain delegate index "$day -resp_no_certs"
