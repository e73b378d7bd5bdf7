"""Who is calling, and what each role may do (R3)."""

from datetime import timedelta

import pytest

from models.caller import LEEWAY, PERMISSIONS, SELLER, Action, Role, caller_of
from models.clock import now
from models.errors import Forbidden, Unauthenticated


def claims(**changes: object) -> dict[str, object]:
    base = {"sub": "u1", "role": "OWNER", "shop": "bloom", "exp": (now() + timedelta(hours=1)).timestamp()}
    return {name: value for name, value in {**base, **changes}.items() if value is not None}


@pytest.mark.parametrize("role", sorted(Role))
def test_each_role_may_do_its_own_and_nothing_else(role: Role):
    caller = caller_of(claims(role=role.value), now())

    for action in Action:
        if action in PERMISSIONS[role]:
            caller.require(action)
        else:
            with pytest.raises(Forbidden):
                caller.require(action)


def test_the_table_is_whole():
    """Sellers read and change their shop, the platform writes data, shoppers use their inbox: R3's table."""
    seller = frozenset({Action.READ_SHOP, Action.CHANGE_SHOP})
    administrator = seller | {Action.MANAGE_CONNECTIONS}

    assert {
        Role.OWNER: administrator,
        Role.MAIN_ADMINISTRATOR: administrator,
        Role.ADVERTISING_MANAGER: seller,
        Role.MARKETING_SPECIALIST: seller,
        Role.PLATFORM: frozenset(
            {Action.WRITE_DATA, Action.STOP_SENDING, Action.SEE_VIOLATIONS, Action.REDEEM_COUPONS}
        ),
        Role.CUSTOMER: frozenset({Action.USE_INBOX, Action.USE_COUPONS}),
    } == PERMISSIONS


@pytest.mark.parametrize("role", ["CUSTOMER_SERVICE", "owner", "ADMIN", "OWNER "])
def test_any_other_sub_account_is_refused(role: str):
    with pytest.raises(Forbidden):
        caller_of(claims(role=role), now())


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": ""}, {"sub": None}, {"sub": 5}, {"sub": "x" * 256}, {"sub": "a\0b"}, {"sub": "a\ud800"},
        {"shop": "\udfffb"}, {"role": None}, {"role": 1}, {"shop": None}, {"shop": ["bloom"]}, {"exp": None}, {"exp": "soon"}, {"exp": True}, {"exp": 1e300},
        {"exp": 253402300799}, {"nbf": -62135596800}, {"nbf": 253402300799},
        {"exp": float("nan")}, {"nbf": "later"}, {"jti": 7},
    ],
)  # fmt: skip
def test_a_malformed_claim_is_not_believed(changes: dict[str, object]):
    with pytest.raises(Unauthenticated):
        caller_of(claims(**changes), now())


def test_a_token_holds_until_its_end_and_the_leeway():
    at = now()
    caller = caller_of(claims(exp=at.timestamp() + 60), at)

    assert caller.expired(at + timedelta(seconds=60) + LEEWAY)
    assert not caller.expired(at + timedelta(seconds=59) + LEEWAY)
    with pytest.raises(Unauthenticated):
        caller_of(claims(exp=at.timestamp()), at + LEEWAY)


def test_a_token_does_not_hold_before_its_beginning():
    at = now()

    assert caller_of(claims(nbf=at.timestamp() + 4), at).subject == "u1"
    with pytest.raises(Unauthenticated):
        caller_of(claims(nbf=at.timestamp() + 6), at)


def test_only_sellers_have_a_shop():
    assert {role for role in Role if caller_of(claims(role=role.value), now()).shop == "bloom"} == SELLER


def test_an_actor_is_the_same_across_tokens_and_differs_between_shops_and_roles():
    seller, again = caller_of(claims(jti="1"), now()), caller_of(claims(jti="2"), now())
    elsewhere, shopper = caller_of(claims(shop="fern"), now()), caller_of(claims(role="CUSTOMER"), now())

    assert seller.actor == again.actor
    assert len({seller.actor, elsewhere.actor, shopper.actor}) == 3


def test_no_two_users_are_one_actor_whatever_colons_their_shops_and_names_have():
    pairs = [("a", "b:c"), ("a:b", "c"), ("a%3Ab", "c"), ("a%253Ab", "c")]

    assert len({caller_of(claims(shop=shop, sub=subject), now()).actor for shop, subject in pairs}) == len(pairs)
