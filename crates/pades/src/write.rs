//! Objects, written (ISO 32000-1 §7.3).

use crate::object::{Dictionary, Object, Reference};

/// Writes an object.
pub(crate) fn object(out: &mut Vec<u8>, object: &Object) {
    match object {
        Object::Null => out.extend(b"null"),
        Object::Boolean(is) => out.extend(is.to_string().bytes()),
        Object::Integer(number) => out.extend(number.to_string().bytes()),
        Object::Real(text) => out.extend(text.bytes()),
        Object::Name(name) => write_name(out, name),
        Object::Text(text) => write_text(out, text),
        Object::Array(all) => {
            out.push(b'[');
            for (at, one) in all.iter().enumerate() {
                if at > 0 {
                    out.push(b' ');
                }
                self::object(out, one);
            }
            out.push(b']');
        }
        Object::Dictionary(all) => dictionary(out, all),
        Object::Reference(Reference { number, generation }) => {
            out.extend(format!("{number} {generation} R").bytes());
        }
    }
}

/// Writes a dictionary.
pub(crate) fn dictionary(out: &mut Vec<u8>, all: &Dictionary) {
    out.extend(b"<<");
    for (key, value) in all.iter() {
        write_name(out, key);
        out.push(b' ');
        object(out, value);
    }
    out.extend(b">>");
}

fn write_name(out: &mut Vec<u8>, name: &[u8]) {
    out.push(b'/');
    for octet in name {
        if octet.is_ascii_alphanumeric() || b"-_.+*:,;@!'\"$&=?^|~`".contains(octet) {
            out.push(*octet);
        } else {
            out.extend(format!("#{octet:02X}").bytes());
        }
    }
}

/// In parentheses where it is plain, else in hexadecimal, in which nothing needs to be escaped.
fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    let plain = text.iter().all(|octet| matches!(octet, 0x20..=0x7e) && !b"()\\".contains(octet));
    if plain {
        out.push(b'(');
        out.extend(text);
        out.push(b')');
    } else {
        out.push(b'<');
        out.extend(hex::encode_upper(text).bytes());
        out.push(b'>');
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use proptest::prelude::*;

    use super::*;
    use crate::parse::Parser;

    fn any_object() -> impl Strategy<Value = Object> {
        let octets = || proptest::collection::vec(any::<u8>(), 0..12);
        let name = || proptest::collection::vec(1..=255u8, 1..8);
        let leaf = prop_oneof![
            Just(Object::Null),
            any::<bool>().prop_map(Object::Boolean),
            any::<i64>().prop_map(Object::Integer),
            name().prop_map(Object::Name),
            octets().prop_map(Object::Text),
            (any::<u32>(), any::<u16>())
                .prop_map(|(number, generation)| Object::Reference(Reference { number, generation })),
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            let pairs = proptest::collection::btree_map(name(), inner.clone(), 0..5);
            prop_oneof![
                proptest::collection::vec(inner, 0..6).prop_map(Object::Array),
                pairs.prop_map(|pairs| Dictionary::read(pairs.into_iter().collect()).unwrap().into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same(given in any_object()) {
            let mut out = Vec::new();
            object(&mut out, &given);
            prop_assert_eq!(Parser::new(&out, true).object(), Ok(given));
        }
    }
}
