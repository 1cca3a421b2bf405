//! Vectors of the RFCs, and what must never verify.
#![allow(clippy::unwrap_used, reason = "tests state what must hold")]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::*;

const CLAIMS: &str =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

/// RFC 7515 appendix A.2.
fn rsa() -> (Value, String) {
    let key = json!({"kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"});
    let jws = format!(
        "eyJhbGciOiJSUzI1NiJ9.{CLAIMS}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
    );
    (key, jws)
}

/// RFC 7515 appendix A.3.
fn ec() -> (Value, String) {
    let key = json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
    let jws = format!(
        "eyJhbGciOiJFUzI1NiJ9.{CLAIMS}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    );
    (key, jws)
}

/// RFC 8037 appendix A.4.
fn ed() -> (Value, String) {
    let key = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let jws = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    (key, jws.to_owned())
}

fn set(keys: &[Value]) -> Result<KeySet, KeySetError> {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
}

fn with(key: &Value, member: &str, value: impl Into<Value>) -> Value {
    let mut key = key.clone();
    key[member] = value.into();
    key
}

#[test]
fn the_vectors_of_the_rfcs_verify_and_no_changed_character_does() {
    for (key, jws) in [rsa(), ec(), ed()] {
        let set = set(&[key]).unwrap();
        let payload = set.verify(&Statement::parse(&jws).unwrap()).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(payload), jws.split('.').nth(1).unwrap());
        for at in 0..jws.len() {
            let mut changed = jws.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            let verified = Statement::parse(&changed).and_then(|statement| set.verify(&statement));
            assert!(verified.is_err(), "character {at} of {jws}");
        }
    }
}

#[test]
fn a_key_signs_by_its_own_algorithm_under_its_own_name() {
    let (key, jws) = rsa();
    let statement = Statement::parse(&jws).unwrap();
    let verify = |keys: &[Value]| set(keys).unwrap().verify(&statement);
    assert!(verify(&[with(&key, "alg", "RS256"), with(&ec().0, "kid", "b")]).is_ok());
    assert_eq!(verify(&[with(&key, "alg", "PS256")]), Err(StatementError::UnknownKey));
    assert_eq!(verify(&[ec().0]), Err(StatementError::UnknownKey), "another key, and no name");

    // The same words under a name are another statement, which nobody signed.
    let named = format!("{}.{CLAIMS}.AAAA", URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","kid":"a"}"#));
    let named = Statement::parse(&named).unwrap();
    let verify = |keys: &[Value]| set(keys).unwrap().verify(&named);
    assert_eq!(verify(std::slice::from_ref(&key)), Err(StatementError::UnknownKey));
    assert_eq!(verify(&[with(&key, "kid", "b")]), Err(StatementError::UnknownKey));
    assert_eq!(verify(&[with(&key, "kid", "a")]), Err(StatementError::Signature));
    assert_eq!(verify(&[with(&ec().0, "kid", "a")]), Err(StatementError::Algorithm));
}

#[test]
fn keys_of_another_use_are_no_keys() {
    let (key, _) = rsa();
    for other in [
        with(&key, "use", "enc"),
        with(&key, "key_ops", vec!["encrypt"]),
        with(&key, "alg", "RSA-OAEP"),
        with(&key, "alg", "ES256"),
        with(&key, "kty", "oct"),
        with(&key, "n", "not base64url"),
        json!({"kty": "oct", "k": "AAAA", "alg": "HS256"}),
        with(&ec().0, "crv", "P-384"),
        with(&ed().0, "crv", "X25519"),
        json!("a word"),
    ] {
        assert_eq!(set(std::slice::from_ref(&other)), Err(KeySetError::NoKey), "{other}");
        assert_eq!(set(&[other, key.clone()]).unwrap().len(), 1);
    }
    for wrong in ["", "{}", "[]", r#"{"keys":1}"#] {
        assert_eq!(KeySet::parse(wrong.as_bytes()), Err(KeySetError::Malformed), "{wrong}");
    }
    assert_eq!(set(&vec![key; MOST_AND_ONE]), Err(KeySetError::Malformed));
}

const MOST_AND_ONE: usize = 101;

#[test]
fn headers_that_weaken_are_refused() {
    let header = |json: &str| format!("{}.{CLAIMS}.AAAA", URL_SAFE_NO_PAD.encode(json));
    let parse = |json: &str| Statement::parse(&header(json)).map(|_| ());
    for weak in ["none", "None", "HS256", "HS512", "RS1", ""] {
        assert_eq!(parse(&json!({ "alg": weak }).to_string()), Err(StatementError::Algorithm), "{weak}");
    }
    assert_eq!(parse(r#"{"alg":"RS256","crit":["b64"],"b64":false}"#), Err(StatementError::Critical));
    assert_eq!(parse(r#"{"alg":"RS256","crit":null,"alg":"none"}"#), Err(StatementError::Malformed));
    for malformed in ["", ".", "..", "a.b.c", "a.b.c.d", "eyJhbGciOiJSUzI1NiJ9.e30"] {
        assert_eq!(Statement::parse(malformed).map(|_| ()), Err(StatementError::Malformed), "{malformed}");
    }
    assert_eq!(Statement::parse(&"a".repeat(70_000)).map(|_| ()), Err(StatementError::Malformed));
}
