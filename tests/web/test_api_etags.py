"""Versions on the wire: `ETag` and `If-Match`."""

from typing import Any

import pytest
from litestar import Request
from litestar.testing import RequestFactory

from tocsin.kernel.errors import Invalid
from tocsin.web.api.etags import etag, expected_version


def asked(**headers: str) -> Request[Any, Any, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RequestFactory().put("/", headers=named)


def test_a_version_goes_out_and_comes_back() -> None:
    assert etag(7) == '"7"'
    assert expected_version(asked(if_match=etag(7))) == 7
    assert expected_version(asked(if_match='W/"7"')) == 7
    assert expected_version(asked(if_match="*")) is None
    assert expected_version(asked()) is None


@pytest.mark.parametrize("wrong", ["7", '"x"', '""', '"-1"', '"1", "2"', '"' + "9" * 19 + '"'])
def test_what_is_no_tag_of_ours_is_refused(wrong: str) -> None:
    with pytest.raises(Invalid, match="ETag") as refused:
        expected_version(asked(if_match=wrong))
    assert refused.value.field == "If-Match"
