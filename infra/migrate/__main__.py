import sys

from infra.migrate.main import main

sys.exit(main())
