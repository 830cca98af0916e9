"""What of a homeserver's sync is heard, and by whom Tocsin lets itself be invited."""

import json

import pytest
from loopback import answer, http_server
from sender_rigs import LOOPBACK

from tocsin.integrations.matrix.api import Homeserver
from tocsin.integrations.matrix.hear import MatrixRooms
from tocsin.integrations.outbound import Outbound
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Deaf, Said

OWN = "@tocsin:example.org"


class Ear:
    """Remembers what it hears, and answers it."""

    position = ""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.kept: list[str] = []
        self.connections = 0

    async def connected(self) -> None:
        self.connections += 1

    async def hear(self, said: Said) -> str:
        self.said.append(said)
        return "done" if said.text == "!ack" else ""

    async def keep(self, position: str) -> None:
        self.kept.append(position)


def ok(**body: object) -> bytes:
    return answer(200, body=json.dumps(body).encode())


def event(body: str, **content: object) -> dict[str, object]:
    return {
        "type": "m.room.message", "sender": "@maya:example.org", "event_id": f"${body[:5]}",
        "origin_server_ts": 1_774_612_800_000,
        "content": {"msgtype": "m.text", "body": body, **content},
    }  # fmt: skip


def joined(room: str, *events: dict[str, object]) -> dict[str, object]:
    return {"join": {room: {"timeline": {"events": list(events)}}}}


def invited(room: str, by: str) -> dict[str, object]:
    member = {"type": "m.room.member", "state_key": OWN, "sender": by,
              "content": {"membership": "invite"}}  # fmt: skip
    return {"invite": {room: {"invite_state": {"events": [member]}}}}


THREAD = {
    "m.relates_to": {
        "rel_type": "m.thread", "event_id": "$root", "m.in_reply_to": {"event_id": "$last"},
    }
}  # fmt: skip


async def test_people_are_heard_and_edits_notices_and_the_past_are_not() -> None:
    old = joined("!r:example.org", event("!ack the past"))
    new = joined(
        "!r:example.org",
        event("!ack", **THREAD),
        event("* !ack", **{"m.relates_to": {"rel_type": "m.replace", "event_id": "$x"}}),
        event("notice") | {"content": {"msgtype": "m.notice", "body": "!ack"}},
        event("> quoted\n> lines\n\nhello"),
        {"type": "m.room.encrypted", "content": {"ciphertext": "x"}},
    )
    answers = [
        ok(user_id=OWN),
        ok(**{"@maya:example.org": ["!direct:example.org"]}),
        ok(next_batch="s1", rooms=old),
        ok(next_batch="s2", rooms=new),
        ok(),
        ok(event_id="$answer"),
        answer(401, body=b'{"errcode":"M_UNKNOWN_TOKEN"}'),
    ]
    ear = Ear()
    async with http_server(*answers) as server:
        home = Homeserver(
            Outbound(allowed=LOOPBACK), url=f"http://127.0.0.1:{server.port}", token="t0ken"
        )
        with pytest.raises(Deaf, match="TOCSIN_MATRIX_TOKEN") as deaf:
            await MatrixRooms(home).listen(ear)
    assert "t0ken" not in str(deaf.value)
    assert ear.connections == 1
    assert ear.kept == ["s1", "s2"]
    first, second = ear.said
    assert (first.kind, first.sender, first.text) == (
        MethodKind.MATRIX, "@maya:example.org", "!ack",
    )  # fmt: skip
    assert first.about == ("!r:example.org/$root", "!r:example.org/$last")
    assert not first.is_direct
    assert second.text.strip() == "hello"
    said = json.loads(server.requests[5].body)
    assert said["msgtype"] == "m.notice"
    assert said["m.relates_to"]["event_id"] == "$root"
    assert all(one.headers["authorization"] == "Bearer t0ken" for one in server.requests)


@pytest.mark.parametrize(
    ("by", "servers", "then"),
    [
        ("@eve:elsewhere.org", (), "leave"),
        ("@maya:example.org", (), "join"),
        ("@ann:partner.org", ("partner.org",), "join"),
        ("@maya:example.org", ("partner.org",), "leave"),
    ],
)
async def test_it_follows_invitations_of_allowed_servers_alone(
    by: str, servers: tuple[str, ...], then: str
) -> None:
    answers = [
        ok(user_id=OWN), ok(), ok(next_batch="s1", rooms=invited("!new:x.org", by)), ok(),
        answer(503),
    ]  # fmt: skip
    async with http_server(*answers) as server:
        home = Homeserver(
            Outbound(allowed=LOOPBACK), url=f"http://127.0.0.1:{server.port}", token="t"
        )
        with pytest.raises(Deaf):
            await MatrixRooms(home, servers=servers).listen(Ear())
    assert server.requests[3].path == f"/_matrix/client/v3/rooms/%21new%3Ax.org/{then}"


async def test_a_homeserver_that_was_set_up_anew_is_asked_from_the_beginning() -> None:
    answers = [
        ok(user_id=OWN), ok(), answer(400, body=b'{"errcode":"M_UNKNOWN"}'),
        ok(next_batch="s1", rooms=joined("!r:example.org", event("!ack"))), answer(503),
    ]  # fmt: skip
    ear = Ear()
    ear.position = "of another life"
    async with http_server(*answers) as server:
        home = Homeserver(
            Outbound(allowed=LOOPBACK), url=f"http://127.0.0.1:{server.port}", token="t"
        )
        with pytest.raises(Deaf):
            await MatrixRooms(home).listen(ear)
    assert "since" in server.requests[2].path
    assert "since" not in server.requests[3].path
    assert (ear.kept, ear.said) == (["s1"], [])


async def test_a_sync_that_is_too_large_is_passed_over_and_what_comes_after_is_heard() -> None:
    """Nothing is made up of what was cut off, and no flood makes Tocsin deaf."""
    flood = joined("!r:example.org", *(event(f"!ack {n} " + "x" * 60_000) for n in range(40)))
    answers = [
        ok(user_id=OWN), ok(), ok(next_batch="flooded", rooms=flood),
        ok(next_batch="s2", rooms=joined("!r:example.org", event("!ack the past"))),
        ok(next_batch="s3", rooms=joined("!r:example.org", event("!ack"))), ok(),
        ok(event_id="$answer"), answer(503),
    ]  # fmt: skip
    ear = Ear()
    ear.position = "s1"
    async with http_server(*answers) as server:
        home = Homeserver(
            Outbound(allowed=LOOPBACK), url=f"http://127.0.0.1:{server.port}", token="t"
        )
        with pytest.raises(Deaf):
            await MatrixRooms(home).listen(ear)
    assert "since=s1" in server.requests[2].path
    assert "since" not in server.requests[3].path
    assert ear.kept[:2] == ["s2", "s3"]
    assert [one.text for one in ear.said] == ["!ack"]


async def test_a_first_sync_that_is_too_large_is_said_and_not_tried_without_end() -> None:
    flood = joined("!r:example.org", *(event("x" * 60_000) for _ in range(40)))
    answers = [ok(user_id=OWN), ok(), ok(next_batch="s1", rooms=flood)]
    async with http_server(*answers) as server:
        home = Homeserver(
            Outbound(allowed=LOOPBACK), url=f"http://127.0.0.1:{server.port}", token="t"
        )
        with pytest.raises(Deaf, match="makes no sense"):
            await MatrixRooms(home).listen(Ear())
    assert len(server.requests) == 3
