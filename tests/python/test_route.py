"""Route and Health: what to do next, told in durations."""

import pytest

import _exochat
from bodies import CODES

ATTEMPT, WAIT, GIVE_UP = _exochat.ROUTE_ATTEMPT, _exochat.ROUTE_WAIT, _exochat.ROUTE_GIVE_UP
REFUSED = _exochat.Failure(CODES["EXO_E_CONNECT"])
STOP = _exochat.Failure(CODES["EXO_E_AUTH"])
CONTEXT = _exochat.Failure(CODES["EXO_E_CONTEXT_WINDOW"])


def route(numbers=(0, 1), context=(), policy=None, health=()):
    stops = [(number, health[number] if health else None) for number in numbers]
    return _exochat.Route(stops, [(number, None) for number in context], policy, 7)


def test_strictly_in_order():
    r = route((5, 2))
    assert r.next(0) == (ATTEMPT, 5, 0, 0, False, False)
    assert r.next(3) == (ATTEMPT, 5, 0, 0, False, False)
    r.failed(10, REFUSED, 0)
    assert r.next(10) == (ATTEMPT, 2, 1, 0, False, True)
    r.failed(20, REFUSED, 0)
    assert r.next(20)[:2] == (GIVE_UP, 2)


def test_what_ends_the_route():
    r = route()
    r.next(0)
    r.failed(1, STOP, 0)
    assert r.next(1)[0] == GIVE_UP
    for how in (_exochat.HOW_SHOWN, _exochat.HOW_SPENT, _exochat.HOW_LOCAL):
        r = route()
        r.next(0)
        r.failed(1, REFUSED, how)
        assert r.next(1)[0] == GIVE_UP
    r = route()
    r.next(0)
    r.succeeded(1)
    assert r.next(1)[0] == GIVE_UP
    r = route()
    r.next(0)
    r.abandon()
    r.abandon()
    assert r.next(1)[0] == GIVE_UP


def test_restart_after_something_was_shown():
    r = route()
    r.call(0, -1, True)
    r.next(0)
    r.failed(1, REFUSED, _exochat.HOW_SHOWN)
    assert r.next(1) == (ATTEMPT, 1, 1, 0, True, True)


def test_context_fallbacks():
    r = route((0, 1), (8, 9))
    r.next(0)
    r.failed(1, CONTEXT, 0)
    assert r.next(1)[:2] == (ATTEMPT, 8)


def test_retries_wait_for_a_duration():
    for start in (0, 2**40):
        r = route((0,), policy={"retries": 1, "backoff_first": 1000, "backoff_max": 1000})
        r.next(start)
        r.failed(start + 10, REFUSED, 0)
        what, number, _, wait, _, _ = r.next(start + 10)
        assert (what, number) == (WAIT, 0) and 500 <= wait <= 1000
        assert r.next(start + 20)[3] == wait - 10
        assert r.next(start + 10 + wait)[0] == ATTEMPT


def test_no_wait_beyond_the_total_clock():
    r = route((0,), policy={"retries": 1, "backoff_first": 1000, "backoff_max": 1000})
    r.call(0, 100, False)
    r.next(0)
    r.failed(10, REFUSED, 0)
    assert r.next(10)[0] == GIVE_UP


def test_cooldown_is_shared_by_calls():
    health = [_exochat.Health(), _exochat.Health()]
    policy = {"cooldown": 1000, "cooldown_after": 1}
    r = route((0, 1), policy=policy, health=health)
    r.next(0)
    r.failed(1, REFUSED, 0)
    assert route((0, 1), policy=policy, health=health).next(2)[1] == 1
    probe = route((0, 1), policy=policy, health=health)
    assert probe.next(5000)[1] == 0
    assert route((0, 1), policy=policy, health=health).next(5001)[1] == 1
    del probe  # a probe is given back, also by who forgets it
    assert route((0, 1), policy=policy, health=health).next(5002)[1] == 0


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (([], [], None, 1), ValueError),
        (([5], [], None, 1), TypeError),
        (([(1, 5)], [], None, 1), TypeError),
        (([("x", None)], [], None, 1), TypeError),
        (([(1,)], [], None, 1), TypeError),
        ((None, [], None, 1), TypeError),
        (([(1, None)], [], {"retry": 1}, 1), TypeError),
        (([(1, None)], [], {"retries": -1}, 1), ValueError),
        (([(1, None)], [], {"patience": 1.5}, 1), TypeError),
        (([(1, None)], [], None, "x"), TypeError),
    ],
)
def test_arguments_that_are_wrong(args, error):
    with pytest.raises(error):
        _exochat.Route(*args)


def test_a_failure_is_one():
    with pytest.raises(TypeError, match="Failure"):
        route().failed(0, 5, 0)
