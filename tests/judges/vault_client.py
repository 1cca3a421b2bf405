"""hvac, a client of Vault that knows nothing of us, does with the key manager what it does with a Vault.

One JSON object on standard input: {"url", "authority", "administrator", "connector"} (the last three are files in PEM). Ends with "well"
on standard output, or fails.
"""

import base64
import json
import sys

import hvac
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hvac import exceptions

GIVEN = json.load(sys.stdin)


def b64(data):
    return base64.b64encode(data).decode()


def client(pem=None):
    cert = (pem, pem) if pem else None
    made = hvac.Client(url=GIVEN["url"], cert=cert, verify=GIVEN["authority"])
    if pem:
        made.auth.cert.login(cert_pem=pem, key_pem=pem)
        assert made.is_authenticated()
    return made


def refused(error, act, *arguments, **named):
    try:
        act(*arguments, **named)
    except error:
        return
    raise AssertionError(f"{act} was not refused with {error}")


def rotation(admin, user):
    admin.secrets.transit.create_key(name="data", key_type="aes256-gcm96", exportable=True)
    sealed = user.secrets.transit.encrypt_data(name="data", plaintext=b64(b"a letter"))["data"]["ciphertext"]
    assert sealed.startswith("vault:v1:")
    admin.secrets.transit.rotate_key(name="data")
    again = user.secrets.transit.rewrap_data(name="data", ciphertext=sealed)["data"]["ciphertext"]
    assert again.startswith("vault:v2:")
    for text in (sealed, again):
        opened = user.secrets.transit.decrypt_data(name="data", ciphertext=text)["data"]["plaintext"]
        assert base64.b64decode(opened) == b"a letter"
    # What left the key manager opens what it sealed, by a library that is not ours.
    keys = user.secrets.transit.export_key(name="data", key_type="encryption-key")["data"]["keys"]
    assert set(keys) == {"1", "2"}
    raw = base64.b64decode(again.split(":")[2])
    assert AESGCM(base64.b64decode(keys["2"])).decrypt(raw[:12], raw[12:], None) == b"a letter"
    # And the other way round, with associated data.
    nonce = bytes(range(12))
    made = nonce + AESGCM(base64.b64decode(keys["2"])).encrypt(nonce, b"by another", b"for this")
    answer = user.adapter.post(
        "/v1/transit/decrypt/data", json={"ciphertext": "vault:v2:" + b64(made), "associated_data": b64(b"for this")}
    )
    assert base64.b64decode(answer["data"]["plaintext"]) == b"by another"
    batch = [{"plaintext": b64(bytes([n]))} for n in range(3)]
    results = user.secrets.transit.encrypt_data(name="data", batch_input=batch)["data"]["batch_results"]
    assert len(results) == 3 and all(result["key_version"] == 2 for result in results)
    fresh = user.secrets.transit.generate_data_key(name="data", key_type="plaintext", bits=512)["data"]
    opened = user.secrets.transit.decrypt_data(name="data", ciphertext=fresh["ciphertext"])["data"]["plaintext"]
    assert opened == fresh["plaintext"] and len(base64.b64decode(opened)) == 64
    # An old version is given up in two steps, never by accident.
    refused(exceptions.InvalidRequest, admin.secrets.transit.trim_key, name="data", min_version=2)
    admin.secrets.transit.rotate_key(name="data")
    admin.secrets.transit.update_key_configuration(name="data", min_decryption_version=2, min_encryption_version=3)
    refused(exceptions.InvalidRequest, user.secrets.transit.decrypt_data, name="data", ciphertext=sealed)
    admin.secrets.transit.trim_key(name="data", min_version=2)
    assert set(admin.secrets.transit.read_key(name="data")["data"]["keys"]) == {"2", "3"}
    refused(exceptions.InvalidRequest, admin.secrets.transit.delete_key, name="data")
    admin.secrets.transit.update_key_configuration(name="data", deletion_allowed=True)
    assert admin.secrets.transit.list_keys()["data"]["keys"] == ["data"]
    admin.secrets.transit.delete_key(name="data")
    refused(exceptions.InvalidPath, admin.secrets.transit.read_key, name="data")


def rsa(admin, user):
    admin.secrets.transit.create_key(name="inbox", key_type="rsa-3072")
    public = admin.secrets.transit.read_key(name="inbox")["data"]["keys"]["1"]["public_key"]
    key = serialization.load_pem_public_key(public.encode())
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    sealed = "vault:v1:" + b64(key.encrypt(b"from outside", oaep))
    opened = user.secrets.transit.decrypt_data(name="inbox", ciphertext=sealed)["data"]["plaintext"]
    assert base64.b64decode(opened) == b"from outside"
    refused(exceptions.InvalidRequest, user.secrets.transit.export_key, name="inbox", key_type="encryption-key")


def signatures(admin, user):
    for kind in ("ed25519", "ecdsa-p256"):
        admin.secrets.transit.create_key(name=kind, key_type=kind)
        signed = user.secrets.transit.sign_data(name=kind, hash_input=b64(b"a word"), hash_algorithm="sha2-256")
        signature = signed["data"]["signature"]

        def valid(text):
            answer = user.secrets.transit.verify_signed_data(
                name=kind, hash_input=b64(text), signature=signature, hash_algorithm="sha2-256"
            )
            return answer["data"]["valid"]

        assert valid(b"a word") and not valid(b"another")
    admin.adapter.post("/v1/transit/keys/mac", json={"type": "hmac"})  # a type that hvac has no word for
    tag = user.secrets.transit.generate_hmac(name="mac", hash_input=b64(b"a word"), algorithm="sha2-256")
    assert tag["data"]["hmac"].startswith("vault:v1:")


def pairs(admin, user):
    kv = admin.secrets.kv.v2
    kv.create_or_update_secret(path="hr/client", secret={"user": "léa"}, mount_point="kv")
    kv.create_or_update_secret(path="hr/client", secret={"user": "ada"}, cas=1, mount_point="kv")
    refused(exceptions.InvalidRequest, kv.create_or_update_secret, path="hr/client", secret={}, cas=1, mount_point="kv")
    reads = user.secrets.kv.v2
    assert reads.read_secret_version(path="hr/client", mount_point="kv", raise_on_deleted_version=True)["data"]["data"] == {"user": "ada"}
    old = reads.read_secret_version(path="hr/client", version=1, mount_point="kv", raise_on_deleted_version=True)
    assert old["data"]["data"] == {"user": "léa"}
    assert reads.list_secrets(path="hr", mount_point="kv")["data"]["keys"] == ["client"]
    assert reads.read_secret_metadata(path="hr/client", mount_point="kv")["data"]["current_version"] == 2
    refused(exceptions.Forbidden, reads.create_or_update_secret, path="hr/client", secret={}, mount_point="kv")
    kv.delete_metadata_and_all_versions(path="hr/client", mount_point="kv")
    refused(exceptions.InvalidPath, reads.read_secret_metadata, path="hr/client", mount_point="kv")


def approle(admin):
    admin.secrets.transit.create_key(name="theirs")
    admin.secrets.transit.create_key(name="others")
    admin.auth.approle.create_or_update_approle("hr", token_policies=["use/theirs"], token_ttl="10m")
    role = admin.auth.approle.read_role_id("hr")["data"]["role_id"]
    made = admin.auth.approle.generate_secret_id("hr")["data"]
    machine = client()
    refused(exceptions.InvalidRequest, machine.auth.approle.login, role_id=role, secret_id="0" * 64)
    machine.auth.approle.login(role_id=role, secret_id=made["secret_id"])
    assert machine.auth.token.lookup_self()["data"]["policies"] == ["use/theirs"]
    machine.secrets.transit.encrypt_data(name="theirs", plaintext=b64(b"x"))
    refused(exceptions.Forbidden, machine.secrets.transit.encrypt_data, name="others", plaintext=b64(b"x"))
    refused(exceptions.Forbidden, machine.secrets.transit.rotate_key, name="theirs")
    admin.auth.approle.destroy_secret_id_accessor("hr", made["secret_id_accessor"])
    refused(exceptions.Forbidden, machine.auth.token.lookup_self)
    refused(exceptions.InvalidRequest, client().auth.approle.login, role_id=role, secret_id=made["secret_id"])
    refused(exceptions.InvalidRequest, admin.auth.approle.create_or_update_approle, "boss", token_policies=["manage"])


def main():
    stranger = client()
    health = stranger.sys.read_health_status(method="GET")
    assert health["initialized"] and not health["sealed"]
    refused(exceptions.Forbidden, stranger.secrets.transit.read_key, name="data")
    admin, user = client(GIVEN["administrator"]), client(GIVEN["connector"])
    refused(exceptions.Forbidden, user.secrets.transit.create_key, name="mine")
    refused(exceptions.Forbidden, admin.secrets.transit.encrypt_data, name="data", plaintext=b64(b"x"))
    rotation(admin, user)
    rsa(admin, user)
    signatures(admin, user)
    pairs(admin, user)
    approle(admin)
    user.auth.token.revoke_self()
    refused(exceptions.Forbidden, user.auth.token.lookup_self)
    print("well")


main()
