"""The app as it is deployed: what is uploaded, and what the platform makes of that.

azd runs the hook of ``azure.yaml`` and uploads an archive of what ``.funcignore`` leaves. The
platform unpacks it and installs its requirements beside it, with pip on Linux.
"""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from infra.local.data_folder import locked

ROOT = Path(__file__).parents[2]
SITE_PACKAGES = Path(".python_packages/lib/site-packages")
"""Where the platform installs the requirements, and where its worker looks for them first."""

PLATFORM = (
    "--python-version=3.13",
    "--implementation=cp",
    "--platform=manylinux_2_28_x86_64",
    "--platform=manylinux_2_17_x86_64",
    "--platform=manylinux2014_x86_64",
    "--only-binary=:all:",
)
"""What pip is told of the platform: Linux on x86-64 with glibc 2.28 or later, and Python 3.13."""


@dataclass(frozen=True, slots=True)
class DeployedApp:
    """An unpacked app with its dependencies. ``upload``: the archive that it came in."""

    folder: Path
    upload: Path

    @property
    def site_packages(self) -> Path:
        return self.folder / SITE_PACKAGES

    @property
    def sources(self) -> list[Path]:
        return [path for path in self.folder.rglob("*.py") if path.is_file()]

    @property
    def upload_bytes(self) -> int:
        return self.upload.stat().st_size

    @property
    def deployed_bytes(self) -> int:
        return _size(self.folder) + _size(self.site_packages.resolve())


def uploaded_files(root: Path) -> Iterator[Path]:
    """What ``.funcignore`` leaves of the folder, as paths in it."""
    ignored = GitIgnoreSpec.from_lines((root / ".funcignore").read_text("utf-8").splitlines())
    for folder, folders, files in os.walk(root):
        here = Path(folder).relative_to(root)
        # As git does: nothing in an ignored folder is looked at.
        folders[:] = [name for name in folders if not ignored.match_file(f"{here / name}/")]
        yield from (here / name for name in files if not ignored.match_file(here / name))


def deploy(root: Path, folder: Path, cache: Path) -> DeployedApp:
    """Upload the app to an empty folder and build it there, as the platform does.

    :raises AssertionError: its requirements cannot be installed.
    """
    app = DeployedApp(folder / "app", folder / "upload.zip")
    project = _project(root, folder / "project")
    with zipfile.ZipFile(app.upload, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(uploaded_files(project)):
            archive.write(project / path, path)
    with zipfile.ZipFile(app.upload) as archive:
        archive.extractall(app.folder)
    app.site_packages.parent.mkdir(parents=True)
    app.site_packages.symlink_to(_installed(app.folder, cache), target_is_directory=True)
    return app


def _project(root: Path, copy: Path) -> Path:
    """A copy that is ready to be packed, so that the checkout itself stays as it is."""
    for path in (Path(".funcignore"), *uploaded_files(root)):
        if path.suffix != ".pyc":
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / path, copy / path)
    _run_hook(root / "azure.yaml", copy)
    return copy


def _run_hook(azure_yaml: Path, project: Path) -> None:
    runs = re.findall(r"^ +run: python3 (.+)$", azure_yaml.read_text("utf-8"), re.MULTILINE)
    (arguments,) = map(shlex.split, runs)
    subprocess.run([sys.executable, *arguments], cwd=project, check=True)


def _installed(app: Path, cache: Path) -> Path:
    """The dependencies of the app, installed once for as long as its requirements are the same."""
    wanted = cache / _fingerprint(app)
    with locked(cache):
        if not wanted.exists():
            for outdated in cache.glob("*/"):
                shutil.rmtree(outdated)
            _install(app, wanted)
    return wanted


def _fingerprint(app: Path) -> str:
    texts = [(app / name).read_text("utf-8") for name in ("requirements.txt", "constraints.txt")]
    return hashlib.sha256("\0".join((*texts, *PLATFORM)).encode()).hexdigest()[:16]


def _install(app: Path, target: Path) -> None:
    unfinished = target.with_name(f"{target.name}.unfinished")
    pip = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--requirement", "requirements.txt", "--target", unfinished, *PLATFORM),
        ],
        cwd=app,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert pip.returncode == 0, pip.stderr
    unfinished.rename(target)


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
