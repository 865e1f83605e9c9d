"""Keys at rest: what is sealed opens again only for its own row, under a key that is still listed."""

import base64
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.keyring import KeyProblem, Keyring, Sealer, Secrets, key_beside, parse_keys

OLD, NEW = b"o" * 32, b"n" * 32
SHORT = base64.b64encode(b"short").decode()


def setting(*keys):
    return ",".join(base64.b64encode(key).decode() for key in keys)


@given(st.binary(), st.text(max_size=40))
def test_what_is_sealed_for_a_row_opens_for_that_row(plain, row):
    sealer = Sealer([OLD])
    sealed = sealer.seal(plain, row)
    assert sealer.unseal(sealed, row) == plain
    with pytest.raises(KeyProblem, match="moved to another row"):
        sealer.unseal(sealed, row + "x")


def test_sealing_twice_shows_nothing_in_common():
    sealer = Sealer([OLD])
    first, second = sealer.seal(b"secret", "row"), sealer.seal(b"secret", "row")
    assert first != second
    assert "secret" not in base64.b64decode(first.rsplit(":", 1)[1]).decode("latin-1")


@pytest.mark.parametrize("place", [0, 11, 12, -1])
def test_one_changed_bit_is_noticed(place):
    version, name, body = Sealer([OLD]).seal(b"secret", "row").split(":")
    raw = bytearray(base64.b64decode(body))
    raw[place] ^= 1
    with pytest.raises(KeyProblem, match="was changed"):
        Sealer([OLD]).unseal(f"{version}:{name}:{base64.b64encode(raw).decode()}", "row")


def test_after_a_rotation_old_things_open_and_new_things_are_sealed_under_the_first_key():
    sealed_before = Sealer([OLD]).seal(b"secret", "row")
    rotated = Sealer([NEW, OLD])
    assert rotated.unseal(sealed_before, "row") == b"secret"
    sealed_after = rotated.seal(b"secret", "row")
    assert Sealer([NEW]).unseal(sealed_after, "row") == b"secret"
    with pytest.raises(KeyProblem, match="does not list; add it back after a comma"):
        Sealer([NEW]).unseal(sealed_before, "row")


def test_without_a_key_nothing_is_sealed_and_the_remedy_is_named():
    assert not Sealer([]).ready
    with pytest.raises(KeyProblem, match="set COUNTERSIGN_ENCRYPTION_KEY"):
        Sealer([]).seal(b"secret", "row")


@pytest.mark.parametrize(
    ("text", "keys"),
    [("", []), (" , ", []), (setting(OLD), [OLD]), (f" {setting(NEW)} , {setting(OLD)},", [NEW, OLD])],
)
def test_a_setting_lists_keys_after_commas(text, keys):
    assert parse_keys(text) == keys


@pytest.mark.parametrize("text", ["not base64!", SHORT, setting(b"k" * 33), f"{setting(OLD)},{SHORT}"])
def test_anything_else_is_refused_without_being_repeated(text):
    with pytest.raises(KeyProblem, match="base64 of exactly 32 bytes") as caught:
        parse_keys(text)
    assert text not in str(caught.value).replace("openssl rand -base64 32", "")


def test_a_key_file_is_made_once_and_is_the_owners_alone(tmp_path):
    database = tmp_path / "countersign.db"
    first = key_beside(database)
    assert key_beside(database) == first
    assert len(first) == 32
    assert [path.name for path in tmp_path.iterdir()] == ["countersign.db.key"]
    assert stat.S_IMODE((tmp_path / "countersign.db.key").stat().st_mode) == 0o600


def test_each_purpose_has_a_key_of_its_own():
    keyring, other = (Keyring(Sealer([OLD]), Secrets(one, one)) for one in (b"install", b"another"))
    assert len({keyring.digest_key, keyring.audit_key, other.digest_key, other.audit_key, b"install"}) == 5


def test_the_secrets_of_an_installation_are_read_as_they_were_written():
    made = Secrets(OLD, NEW, 7)
    assert Secrets.from_bytes(made.to_bytes()) == made
    with pytest.raises(KeyProblem):
        Secrets.from_bytes(OLD)


def test_without_an_encryption_key_nothing_pretends_to_be_authenticated():
    keyring = Keyring(Sealer([]), Secrets(b"install"))
    assert keyring.audit_key is None
    assert keyring.digest_key == Keyring(Sealer([OLD]), Secrets(b"install", b"audit")).digest_key
