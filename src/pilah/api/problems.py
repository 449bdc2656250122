"""What a client is told when something is refused or fails: problem details, RFC 9457."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from pilah.errors import PilahError

MEDIA_TYPE = "application/problem+json"


class Problem(PilahError):
    """An answer that is no result.

    `kind` is the last part of the problem's `type`; `more` has further members, such as the limit
    that was passed.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        more: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """All arguments are kept, so that a worker process can send a problem home."""
        self.status, self.kind, self.detail = status, kind, detail
        self.more, self.headers = dict(more or {}), dict(headers or {})
        super().__init__(status, kind, detail, self.more, self.headers)

    def __str__(self) -> str:
        """What was received, and what to do next."""
        return self.detail

    def to_json(self, request_id: str | None = None) -> bytes:
        """The body of the answer."""
        known = {
            "type": f"urn:pilah:problem:{self.kind}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.more,
        }
        return json.dumps(known | ({"request_id": request_id} if request_id else {})).encode()


def over(limit: str, most: int, unit: str, what: str, *, status: int = 413) -> Problem:
    """What is over a limit: the problem names it, and how much it allows."""
    return Problem(status, f"limit:{limit}", what, {"limit": limit, "most": most, "unit": unit})


def busy(limit: str, most: int, unit: str, seconds: int) -> Problem:
    """There is no room now; the client may come back."""
    return Problem(
        429,
        f"limit:{limit}",
        f"no room for more now: {most:,} {unit} are under way; try again in {seconds} s",
        {"limit": limit, "most": most, "unit": unit},
        {"Retry-After": str(seconds)},
    )
