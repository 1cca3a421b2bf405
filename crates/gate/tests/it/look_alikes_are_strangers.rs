//! Certificates of the right authority whose name looks like a client's, or has the client's in another place: each is a stranger's. The names are OpenSSL's
//! work, letter for letter.

use std::{fs, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::{
    outside::{Stage, chain, run, usual},
    workshop::Workshop,
};

const NAME: &str = "sas-agregateur-recette";
const UNIT: &str = "499700234190004";

/// The attributes of a name, in this order, in the words of OpenSSL: each with its number, so that a kind may come twice; `+` is the same part of the name.
fn dn(attributes: &[(&str, &str)]) -> String {
    let lines =
        attributes.iter().enumerate().map(|(nth, (kind, value))| format!("{nth}.{kind} = \"{value}\""));
    lines.collect::<Vec<_>>().join("\n")
}

/// The name of the client but for this common name.
fn called(name: &str) -> String {
    dn(&[("C", "FR"), ("O", "X"), ("OU", UNIT), ("CN", name)])
}

fn of_unit(unit: &str) -> String {
    dn(&[("C", "FR"), ("O", "X"), ("OU", unit), ("CN", NAME)])
}

/// Common names that are read as the client's by somebody in a hurry, or by a program that folds, trims or searches.
fn common_names() -> Vec<String> {
    let replaced = [
        // Cyrillic, one letter at a time.
        ("a", "\u{430}"),
        ("e", "\u{435}"),
        ("c", "\u{441}"),
        ("s", "\u{455}"),
        // Greek, and Latin letters of phonetics.
        ("a", "\u{3b1}"),
        ("u", "\u{3c5}"),
        ("t", "\u{3c4}"),
        ("a", "\u{251}"),
        ("g", "\u{261}"),
        // What Unicode's folding makes the same: a long s, full width, an accent of its own, nothing to see.
        ("s", "\u{17f}"),
        ("s", "\u{ff53}"),
        ("-", "\u{ff0d}"),
        ("e", "e\u{301}"),
        ("-", "\u{200b}-"),
        ("-", "\u{ad}-"),
        ("-", "\u{feff}-"),
        ("-", "\u{202e}-"),
        // Other strokes.
        ("-", "\u{2010}"),
        ("-", "\u{2011}"),
        ("-", "\u{2212}"),
        ("-", "_"),
        ("-", ""),
    ];
    let mut names: Vec<_> = replaced.iter().map(|(from, to)| NAME.replacen(from, to, 1)).collect();
    let wide = |c: char| char::from_u32(u32::from(c) + 0xfee0).unwrap();
    names.push(NAME.chars().map(wide).collect());
    names.push(NAME.to_uppercase());
    names.push(NAME.replacen('s', "S", 1));
    for around in ["x{}", "{}2", "{} ", " {}", "{}.", "{}.example.org", "*{}", "*", "{}*"] {
        names.push(around.replace("{}", NAME));
    }
    for around in
        ["autre, CN={}", "autre,CN={}", "CN={}", "/CN={}", "{},OU=499700234190004", "{}, {}", "{} {}"]
    {
        names.push(around.replace("{}", NAME));
    }
    names
}

/// Names whose parts are the client's, and which are not its name.
fn elsewhere() -> Vec<String> {
    let of = |attributes: &[(&str, &str)]| dn(&[&[("C", "FR"), ("O", "X")], attributes].concat());
    vec![
        of(&[("OU", UNIT), ("CN", "autre"), ("CN", NAME)]),
        of(&[("OU", UNIT), ("CN", NAME), ("CN", "autre")]),
        of(&[("OU", UNIT), ("CN", NAME), ("CN", NAME)]),
        of(&[("OU", UNIT), ("CN", "autre"), ("+CN", NAME)]),
        of(&[("OU", UNIT), ("CN", NAME), ("+CN", "autre")]),
        of(&[("CN", NAME)]),
        of(&[("OU", UNIT)]),
        of(&[("OU", NAME), ("CN", UNIT)]),
        of(&[("OU", UNIT), ("OU", "autre"), ("CN", NAME)]),
        of(&[("OU", "autre"), ("OU", UNIT), ("CN", NAME)]),
        of(&[("OU", UNIT), ("OU", UNIT), ("CN", NAME)]),
        of(&[("OU", UNIT), ("O", NAME), ("CN", "autre")]),
        of(&[("OU", UNIT), ("OU", NAME), ("CN", "autre")]),
        of(&[("OU", UNIT), ("serialNumber", NAME), ("CN", "autre")]),
        of(&[("OU", UNIT), ("UID", NAME), ("CN", "autre")]),
        of(&[("OU", UNIT), ("GN", NAME), ("SN", NAME), ("dnQualifier", NAME), ("CN", "autre")]),
        dn(&[("C", "FR"), ("O", UNIT), ("CN", NAME)]),
    ]
}

fn units() -> Vec<String> {
    let digits =
        |zero: u32| UNIT.chars().map(|c| char::from_u32(zero + c.to_digit(10).unwrap()).unwrap()).collect();
    let around = ["0{}", "{}0", "{} ", " {}", "{}.0", "+{}", "4.99700234190004e14"];
    let mut units: Vec<String> = around.iter().map(|around| around.replace("{}", UNIT)).collect();
    // Full width, and the digits of Arabic.
    units.extend([digits(0xff10), digits(0x660)]);
    units
}

/// What comes first: its whole octets, those behind its tag and length, and what follows it (X.690 §8.1).
fn part(der: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let (begin, length) = match usize::from(der[1]) {
        short @ ..=0x7f => (2, short),
        long => {
            let begin = 2 + (long & 0x7f);
            (begin, der[2..begin].iter().fold(0, |length, octet| length << 8 | usize::from(*octet)))
        }
    };
    let (whole, rest) = der.split_at(begin + length);
    (whole, &whole[begin..], rest)
}

fn sequence(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[0x30, 0x82], &length[..], content].concat()
}

/// Whether a certificate has this value somewhere, a UTF8String of exactly these letters.
fn has_value(at: &Path, file: &str, value: &str) -> bool {
    let wanted = [&[0x0c, u8::try_from(value.len()).unwrap()], value.as_bytes()].concat();
    der(at, file).windows(wanted.len()).any(|octets| octets == wanted)
}

fn der(at: &Path, file: &str) -> Vec<u8> {
    let pem = fs::read_to_string(at.join(format!("{file}.pem"))).unwrap();
    let lines: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    BASE64_STANDARD.decode(lines).unwrap()
}

/// Writes octets over others in a certificate, and has its authority sign that: OpenSSL reads no control character in its settings.
fn rewritten(at: &Path, file: &str, authority: &str, from: &[u8], to: &[u8]) {
    let whole = der(at, file);
    let (_, content, _) = part(&whole);
    let (signed, _, rest) = part(content);
    let (algorithm, ..) = part(rest);
    let mut signed = signed.to_vec();
    let place = signed.windows(from.len()).position(|octets| octets == from).unwrap();
    signed[place..place + from.len()].copy_from_slice(to);
    fs::write(at.join("signed"), &signed).unwrap();
    run(at, "openssl", &format!("dgst -sha256 -sign {authority}.key -out signature signed"));
    let signature = fs::read(at.join("signature")).unwrap();
    let length = u8::try_from(signature.len() + 1).unwrap();
    let whole = sequence(&[&signed, algorithm, &[0x03, length, 0][..], &signature].concat());
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        BASE64_STANDARD.encode(whole)
    );
    fs::write(at.join(format!("{file}.pem")), pem).unwrap();
}

/// All of them, each with what is particular to it.
fn made(workshop: &Workshop, authority: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut add = |name: String, has: &str| {
        let file = format!("other{}", all.len());
        workshop.client(&file, &name, authority, "");
        assert!(
            has.is_empty() || has_value(workshop.path(), &file, has),
            "OpenSSL wrote something else: {name}"
        );
        all.push((file, name));
    };
    common_names().iter().for_each(|name| add(called(name), name));
    units().iter().for_each(|unit| add(of_unit(unit), unit));
    elsewhere().into_iter().for_each(|name| add(name, ""));
    let stranger = dn(&[("C", "FR"), ("O", "X"), ("OU", UNIT), ("CN", "autre")]);
    let nameless = dn(&[("C", "FR"), ("O", "X"), ("OU", UNIT)]);
    let directory = format!("subjectAltName=dirName:alternative\n[alternative]\nOU={UNIT}\nCN={NAME}\n");
    for (file, name, said) in [
        ("dns", &stranger, format!("subjectAltName=DNS:{NAME}\n")),
        ("nameless", &nameless, format!("subjectAltName=DNS:{NAME}\n")),
        ("mail", &stranger, format!("subjectAltName=email:{NAME}@example.org,URI:urn:{NAME}\n")),
        ("directory", &nameless, directory),
    ] {
        workshop.client(file, name, authority, &said);
        all.push((file.to_owned(), said));
    }
    // A string that ends before its end for whoever writes C, or a line for whoever reads lines, or that is trimmed.
    for (nth, letter) in ["\0", "\t", "\n", "\r", "\u{7f}"].into_iter().enumerate() {
        for form in ["{}Z", "{}Z.example.org", "Z{}", "autreZCN={}", "autreZ{}"] {
            let (file, name) = (format!("letter{nth}-{}", all.len()), form.replace("{}", NAME));
            workshop.client(&file, &called(&name), authority, "");
            let wanted = name.replace('Z', letter);
            rewritten(workshop.path(), &file, authority, name.as_bytes(), wanted.as_bytes());
            assert!(has_value(workshop.path(), &file, &wanted), "{wanted:?}");
            all.push((file, format!("{wanted:?}")));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_only_like_a_client_is_a_stranger() {
    let workshop = Workshop::open();
    let authority = chain().join("authority").display().to_string();
    let strangers = made(&workshop, &authority);
    let stage = Stage::with(tempfile::tempdir().unwrap(), |upstream| {
        usual(upstream, &[]).replace("revocation_lists = []\n", "")
    })
    .await;
    // The very name passes, in either of the strings in which authorities write it, wherever its parts stand.
    let turned = dn(&[("CN", NAME), ("OU", UNIT), ("O", "Y"), ("L", "Paris"), ("C", "FR")]);
    for (file, mask, name) in [
        ("utf8", "utf8only", called(NAME)),
        ("printable", "MASK:2", called(NAME)),
        ("turned", "utf8only", turned),
    ] {
        workshop.client_in(mask, file, &name, &authority);
        let answer = stage.curl("/mtls-protect/a", &workshop.as_client(file)).await;
        assert!(answer.starts_with("HTTP/2 200"), "{file}: {answer}");
    }
    let mut through = Vec::new();
    for (file, what) in &strangers {
        let answer = stage.curl("/mtls-protect/a", &workshop.as_client(file)).await;
        if !answer.starts_with("HTTP/2 403") || !answer.contains("sceau-code: client_unknown") {
            through.push((what, answer));
            continue;
        }
        // What it says of such a name is still what a program reads.
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["status"], "KO:Forbidden", "{what}");
    }
    assert!(through.is_empty(), "{through:#?}");
    drop(stage.stop().await);
}
