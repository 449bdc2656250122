"""Whatever is sent, no answer is the server's own failure; `benchmarks/` has the long runs."""

import subprocess
import sys
from pathlib import Path

from client import Client

from benchmarks.api_fuzz import fuzzed

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,response_headers_conformance,unsupported_method"
)


def test_requests_made_from_the_openapi_page(client: Client, tmp_path: Path) -> None:
    page = f"{client.server.address}/openapi.json"
    options = ("--checks", CHECKS, "--max-examples", "15", "--seed", "1", "--workers", "2")
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", page, *options],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    assert {line["status"] for line in client.server.log() if line["event"] == "request"} < {
        *(200, 400, 401, 404, 405, 408, 413, 415, 421, 422, 429, 499),
    }


def test_damaged_photos_end_no_worker(client: Client) -> None:
    outcomes, ended = fuzzed(client.server, 300, seed=1)
    assert ended == 0
    assert [outcome for outcome in outcomes if outcome.startswith(("status", "ended"))] == []
    assert outcomes["read"] > 20 and outcomes["damaged"] > 20
