import sys

from infra.local.main import main
from infra.local.topic import LocalTopic

sys.exit(main(LocalTopic))
