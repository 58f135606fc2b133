"""The versions of the API that are served, each with its models."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from shared.api.errors import MissingApiVersion, UnsupportedApiVersion
from shared.api.v2023_11_01.distribution_policies import DistributionPolicyModel
from shared.api.v2023_11_01.jobs import JobModel
from shared.api.v2023_11_01.queues import QueueModel
from shared.api.v2023_11_01.workers import WorkerModel
from shared.api.v2024_01_18_preview.workers import WorkerModel as PreviewWorkerModel

PARAMETER = "api-version"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiVersion:
    name: str
    distribution_policy: type[DistributionPolicyModel]
    queue: type[QueueModel]
    job: type[JobModel]
    worker: type[WorkerModel]


V2023_11_01 = ApiVersion(
    name="2023-11-01",
    distribution_policy=DistributionPolicyModel,
    queue=QueueModel,
    job=JobModel,
    worker=WorkerModel,
)
V2024_01_18_PREVIEW = replace(V2023_11_01, name="2024-01-18-preview", worker=PreviewWorkerModel)

BY_NAME = {version.name: version for version in (V2023_11_01, V2024_01_18_PREVIEW)}
SUPPORTED = tuple(BY_NAME)


def requested(query: Mapping[str, str]) -> ApiVersion:
    """The version that the request asks for.

    :raises MissingApiVersion, UnsupportedApiVersion: naming the supported ones.
    """
    name = query.get(PARAMETER)
    if name is None:
        raise MissingApiVersion(SUPPORTED)
    version = BY_NAME.get(name)
    if version is None:
        raise UnsupportedApiVersion(name, SUPPORTED)
    return version
