import pytest

from shared.api.errors import InvalidRequest
from shared.api.routes import Route, resource_id

JOB = Route("routing/jobs/{jobId}")
CANCEL = Route("routing/jobs/{jobId}:cancel")
ACCEPT = Route("routing/workers/{workerId}/offers/{offerId}:accept")


@pytest.mark.parametrize(
    ("route", "path", "ids"),
    [
        (JOB, "/routing/jobs/j1", {"jobId": "j1"}),
        (JOB, "/routing/jobs/j1/", {"jobId": "j1"}),
        (JOB, "/Routing/JOBS/J1", {"jobId": "J1"}),
        (JOB, "/routing/jobs/a%20b%2F%C3%A9", {"jobId": "a b/é"}),
        (JOB, "/routing/jobs/a%2520b", {"jobId": "a%20b"}),
        (JOB, "/routing/jobs/a:cancel", {"jobId": "a:cancel"}),
        (CANCEL, "/routing/jobs/a:cancel", {"jobId": "a"}),
        (CANCEL, "/routing/jobs/a%3Acancel", {"jobId": "a"}),
        (CANCEL, "/routing/jobs/a:b:Cancel", {"jobId": "a:b"}),
        (CANCEL, "/routing/jobs/a:cancel:cancel", {"jobId": "a:cancel"}),
        (ACCEPT, "/routing/workers/w/offers/o:accept", {"workerId": "w", "offerId": "o"}),
        (Route("routing/jobs"), "/routing/jobs", {}),
    ],
)
def test_finds_the_ids(route: Route, path: str, ids: dict[str, str]) -> None:
    assert route.match(path) == ids


@pytest.mark.parametrize(
    ("route", "path"),
    [
        (JOB, ""),
        (JOB, "/"),
        (JOB, "/routing/jobs"),
        (JOB, "/routing/jobs//"),
        (JOB, "/routing/queues/j1"),
        (JOB, "/routing/jobs/a/b"),
        (JOB, "routing/jobs/a"),
        (CANCEL, "/routing/jobs/:cancel"),
        (CANCEL, "/routing/jobs/a:close"),
        (CANCEL, "/routing/jobs/a:cancelled"),
    ],
)
def test_other_paths_are_not_of_the_route(route: Route, path: str) -> None:
    assert route.match(path) is None


@pytest.mark.parametrize("text", ["a", "A b", "é", "a:b", "a.b", "x" * 128, "😀", "a%20b", "#?&"])
def test_accepts_ids(text: str) -> None:
    assert resource_id("jobId", text) == text


@pytest.mark.parametrize(
    "text",
    [
        "a/b",
        "a\\b",
        ".",
        "..",
        "x" * 129,
        "a\nb",
        "\0",
        "\x7f",
        " a",
        "a ",
        "\N{REPLACEMENT CHARACTER}",
    ],
)
def test_refuses_ids(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        resource_id("jobId", text)
    assert [problem.target for problem in refused.value.problems] == ["jobId"]
