"""The versions of the API that are served, each with its models."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from shared.api.errors import MissingApiVersion, OperationNotInVersion, UnsupportedApiVersion
from shared.api.filters import job_filter, worker_filter
from shared.api.http_messages import API_VERSION
from shared.api.openapi.parameters import JOB_FILTERS, WORKER_FILTERS, Parameter
from shared.api.v2021_10_20_preview2 import filters as filters_2021
from shared.api.v2021_10_20_preview2.classification_policies import (
    ClassificationPolicyModel as ClassificationPolicyModel2021,
)
from shared.api.v2021_10_20_preview2.distribution_policies import (
    DistributionPolicyModel as DistributionPolicyModel2021,
)
from shared.api.v2021_10_20_preview2.exception_policies import (
    ExceptionPolicyModel as ExceptionPolicyModel2021,
)
from shared.api.v2021_10_20_preview2.jobs import JobModel as JobModel2021
from shared.api.v2021_10_20_preview2.queues import QueueModel as QueueModel2021
from shared.api.v2021_10_20_preview2.words import MEMBERS as MEMBERS_2021
from shared.api.v2021_10_20_preview2.workers import WorkerModel as WorkerModel2021
from shared.api.v2023_11_01.classification_policies import ClassificationPolicyModel
from shared.api.v2023_11_01.distribution_policies import DistributionPolicyModel
from shared.api.v2023_11_01.exception_policies import ExceptionPolicyModel
from shared.api.v2023_11_01.jobs import JobModel
from shared.api.v2023_11_01.queues import QueueModel
from shared.api.v2023_11_01.workers import WorkerModel
from shared.api.v2024_01_18_preview.workers import WorkerModel as PreviewWorkerModel
from shared.api.wire import Definition
from shared.domain.classification import ClassificationPolicy
from shared.domain.distribution import DistributionPolicy
from shared.domain.exception_policies import ExceptionPolicy
from shared.domain.job_definition import JobDefinition
from shared.domain.jobs import Job
from shared.domain.queues import Queue
from shared.domain.workers import Worker, WorkerProfile
from shared.ports import JobFilter, WorkerFilter


class Filters[F](NamedTuple):
    """By what a list can be narrowed: how that is read from a query, and how it is described."""

    read: Callable[[Mapping[str, str]], F]
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ApiVersion:
    """The words of one version for what the domain has."""

    name: str
    classification_policy: type[Definition[ClassificationPolicy, ClassificationPolicy]]
    distribution_policy: type[Definition[DistributionPolicy, DistributionPolicy]]
    exception_policy: type[Definition[ExceptionPolicy, ExceptionPolicy]]
    queue: type[Definition[Queue, Queue]]
    job: type[Definition[JobDefinition, Job]]
    worker: type[Definition[WorkerProfile, Worker]]
    job_filters: Filters[JobFilter]
    worker_filters: Filters[WorkerFilter]
    words: Mapping[str, str] = field(default_factory=dict)
    """What use cases call by another name when they say which member is at fault."""


V2021_10_20_PREVIEW2: Final = ApiVersion(
    name="2021-10-20-preview2",
    classification_policy=ClassificationPolicyModel2021,
    distribution_policy=DistributionPolicyModel2021,
    exception_policy=ExceptionPolicyModel2021,
    queue=QueueModel2021,
    job=JobModel2021,
    worker=WorkerModel2021,
    job_filters=Filters(filters_2021.job_filter, filters_2021.JOB_FILTERS),
    worker_filters=Filters(filters_2021.worker_filter, filters_2021.WORKER_FILTERS),
    words=MEMBERS_2021,
)
V2023_11_01: Final = ApiVersion(
    name="2023-11-01",
    classification_policy=ClassificationPolicyModel,
    distribution_policy=DistributionPolicyModel,
    exception_policy=ExceptionPolicyModel,
    queue=QueueModel,
    job=JobModel,
    worker=WorkerModel,
    job_filters=Filters(job_filter, JOB_FILTERS),
    worker_filters=Filters(worker_filter, WORKER_FILTERS),
)
V2024_01_18_PREVIEW: Final = replace(
    V2023_11_01, name="2024-01-18-preview", worker=PreviewWorkerModel
)

IN_2021: Final = (V2021_10_20_PREVIEW2,)
SINCE_2023: Final = (V2023_11_01, V2024_01_18_PREVIEW)
ALL: Final = (*IN_2021, *SINCE_2023)
BY_NAME: Final = {version.name: version for version in ALL}
SUPPORTED: Final = tuple(BY_NAME)


def requested(query: Mapping[str, str], serving: Collection[ApiVersion] = ALL) -> ApiVersion:
    """The version that the request asks for, of those ``serving`` the operation.

    :raises MissingApiVersion, UnsupportedApiVersion, OperationNotInVersion: naming the choice.
    """
    name = query.get(API_VERSION)
    if name is None:
        raise MissingApiVersion(SUPPORTED)
    version = BY_NAME.get(name)
    if version is None:
        raise UnsupportedApiVersion(name, SUPPORTED)
    if version not in serving:
        raise OperationNotInVersion(name, [served.name for served in serving])
    return version
