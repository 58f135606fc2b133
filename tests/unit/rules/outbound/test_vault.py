"""Secrets at rest: who can open them, and what shows of them."""

import base64

import pytest

from shared.domain.rules import (
    ClientCredential,
    FunctionCredential,
    FunctionRule,
    NewSecret,
    SealedSecret,
    WebhookRule,
)
from shared.rules.outbound.vault import KEY_BYTES, CannotOpen, Vault

KEY, OLD_KEY = b"k" * KEY_BYTES, b"o" * KEY_BYTES
PURPOSE = ("function", "https://a.example/")
SECRET = NewSecret("the secret, ключ")


def test_what_was_sealed_is_opened() -> None:
    sealed = Vault([KEY]).seal(SECRET, PURPOSE)
    assert Vault([KEY]).open(sealed, PURPOSE) == SECRET.text


def test_the_secret_does_not_show_in_the_box() -> None:
    boxes = [Vault([KEY]).seal(SECRET, PURPOSE).box for _ in range(2)]
    assert all(SECRET.text.encode() not in base64.b64decode(box) for box in boxes)
    assert boxes[0] != boxes[1], "nobody sees that two secrets are the same"


def test_a_new_key_seals_while_the_old_one_opens() -> None:
    old = Vault([OLD_KEY]).seal(SECRET, PURPOSE)
    both = Vault([KEY, OLD_KEY])
    assert both.open(old, PURPOSE) == SECRET.text
    assert Vault([KEY]).open(both.seal(SECRET, PURPOSE), PURPOSE) == SECRET.text
    with pytest.raises(CannotOpen):
        Vault([KEY]).open(old, PURPOSE)


def test_it_opens_for_its_purpose_alone() -> None:
    sealed = Vault([KEY]).seal(SECRET, PURPOSE)
    with pytest.raises(CannotOpen):
        Vault([KEY]).open(sealed, ("function", "https://b.example/"))


def test_a_box_that_was_changed_does_not_open() -> None:
    box = bytearray(base64.b64decode(Vault([KEY]).seal(SECRET, PURPOSE).box))
    box[-1] ^= 1
    with pytest.raises(CannotOpen):
        Vault([KEY]).open(SealedSecret(base64.b64encode(box).decode()), PURPOSE)


@pytest.mark.parametrize("box", ["", "AAAA", "no base64"])
def test_nor_does_what_is_no_box(box: str) -> None:
    with pytest.raises(CannotOpen):
        Vault([KEY]).open(SealedSecret(box), PURPOSE)


def test_without_a_key_nothing_is_sealed_or_opened() -> None:
    sealed = Vault([KEY]).seal(SECRET, PURPOSE)
    assert Vault([KEY]).can_seal
    assert not Vault().can_seal
    with pytest.raises(CannotOpen):
        Vault().open(sealed, PURPOSE)


@pytest.mark.parametrize("secret", [SECRET, SealedSecret("the secret")])
def test_a_rule_does_not_show_its_secret(secret: NewSecret | SealedSecret) -> None:
    function = FunctionRule(function_uri="u", credential=FunctionCredential(key=secret))
    webhook = WebhookRule(
        authorization_server_uri="a",
        webhook_uri="w",
        credential=ClientCredential(client_id="c", secret=secret),
    )
    assert "the secret" not in f"{function!r} {webhook} {secret!r}"
