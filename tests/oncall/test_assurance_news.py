"""What the nightly check says is what has changed since the night before."""

from datetime import UTC, datetime, timedelta

from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core.assurance import Assurance, Hole, Line, Outcome, Path
from tocsin.oncall.core.assurance.news import PathKey, key_of, news

NIGHT = datetime(2026, 3, 27, 2, tzinfo=UTC)
SHOP, BLOG, HAND = (
    Path(route=route, policy=policy, urgency=Urgency.HIGH)
    for route, policy in (("shop", "p"), ("blog", "q"), ("", "by-hand"))
)


def found(**outcomes: Outcome) -> Assurance:
    paths = {"shop": SHOP, "blog": BLOG, "hand": HAND}
    hole = Hole(start_at=NIGHT, end_at=NIGHT + timedelta(hours=1), after_s=None, causes=())
    lines = tuple(
        Line(path=paths[name], outcome=one, holes=(hole,) if one is Outcome.LOST else ())
        for name, one in outcomes.items()
    )
    return Assurance(start_at=NIGHT, end_at=NIGHT + timedelta(days=30), lines=lines)


def test_what_never_was_proven_is_no_news() -> None:
    lost = found(shop=Outcome.LOST)
    assert news(None, (), lost).lost == ()
    assert news(lost, (), lost).lost == ()
    assert news(found(blog=Outcome.PROVEN), (), lost).lost == ()


def test_what_was_proven_is_told_once_and_ended_once() -> None:
    new = news(found(shop=Outcome.LATE), (), found(shop=Outcome.LOST))
    assert [one.path for one in new.lost] == [SHOP]
    assert new.alarmed == (key_of(SHOP),)
    same = news(found(shop=Outcome.LOST), new.alarmed, found(shop=Outcome.LOST))
    assert (same.lost, same.over, same.alarmed) == ((), (), new.alarmed)
    well = news(found(shop=Outcome.LOST), new.alarmed, found(shop=Outcome.PROVEN))
    assert (well.over, well.alarmed) == ((key_of(SHOP),), ())


def test_a_path_that_is_gone_ends_its_alarm_and_a_new_policy_of_a_route_does_not() -> None:
    assert news(None, (key_of(SHOP),), found()).over == (key_of(SHOP),)
    other = Path(route="shop", policy="another", urgency=Urgency.HIGH)
    assert key_of(other) == key_of(SHOP) == PathKey(route="shop", policy="")
    assert key_of(HAND) == PathKey(route="", policy="by-hand")
    assert (key_of(SHOP).words, key_of(HAND).words) == ("route shop", "policy by-hand")
