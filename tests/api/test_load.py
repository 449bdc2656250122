"""Many clients at once, then the end: `benchmarks/api_load.py` in short."""

from pathlib import Path

from benchmarks.api_load import loaded
from demo.serving_api import served_api


def test_many_clients_get_answers_or_are_told_to_wait_and_none_is_lost(
    photos: list[Path], tiny_bundle: Path
) -> None:
    data = [path.read_bytes() for path in photos]
    with served_api("--model", tiny_bundle) as server:
        seen, _, _ = loaded(server, data, clients=50, seconds=6, each=4)
        assert server.process.wait(60) == 0
        log = server.log()
    assert {status for status, count in seen.answers.items() if count} == {200, 429}
    assert seen.lost == 0
    assert {line["status"] for line in log if line["event"] == "request"} == {200, 429}
