"""Other tools that do a part of the same, measured where they are installed."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

from bench.data import BUCKET, KEY_ID, SECRET, Bench
from bench.measure import Contestant


def copying(bench: Bench, ready: Path) -> list[Contestant]:
    """Copy a ready zip into the bucket, unencrypted."""
    if not shutil.which("aws"):
        return []
    command = (
        "aws",
        "--endpoint-url",
        bench.endpoint,
        "s3",
        "cp",
        "--quiet",
        str(ready),
        f"s3://{BUCKET}/aws",
    )
    return [Contestant("aws s3 cp", command, bench.root, _amazon(bench))]


def encrypting(bench: Bench, ready: Path, folder: Path) -> list[Contestant]:
    """Encrypt, then upload."""
    found = []
    if shutil.which("age") and shutil.which("age-keygen") and shutil.which("aws"):
        found.append(_age(bench, ready))
    if shutil.which("rclone"):
        found.append(_rclone(bench, folder))
    if shutil.which("restic"):
        found.append(_restic(bench, folder))
    return found


def removing(contestant: Contestant, *paths: Path) -> Contestant:
    """Return the contestant, with these removed before each run."""

    def prepare() -> None:
        contestant.prepare()
        for path in paths:
            shutil.rmtree(path, ignore_errors=True)

    return replace(contestant, prepare=prepare)


def _amazon(bench: Bench) -> dict[str, str]:
    return bench.environ | {
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def _age(bench: Bench, ready: Path) -> Contestant:
    identity = bench.root / "age.key"
    if not identity.exists():
        subprocess.run(("age-keygen", "-o", str(identity)), check=True, capture_output=True)
    public = subprocess.run(("age-keygen", "-y", str(identity)), check=True, capture_output=True, text=True)
    sealed = bench.root / "zip.age"
    text = (
        f"age -r {public.stdout.strip()} -o {sealed} {ready} && "
        f"aws --endpoint-url {bench.endpoint} s3 cp --quiet {sealed} s3://{BUCKET}/age"
    )
    return Contestant("age + aws s3 cp", ("sh", "-c", text), bench.root, _amazon(bench))


def _rclone(bench: Bench, folder: Path) -> Contestant:
    def obscured(text: str) -> str:
        return subprocess.run(("rclone", "obscure", text), check=True, capture_output=True, text=True).stdout

    environ = _amazon(bench) | {
        "RCLONE_CONFIG": "/dev/null",
        "RCLONE_CONFIG_S_TYPE": "s3",
        "RCLONE_CONFIG_S_PROVIDER": "Other",
        "RCLONE_CONFIG_S_ENV_AUTH": "true",
        "RCLONE_CONFIG_S_ENDPOINT": bench.endpoint,
        "RCLONE_CONFIG_C_TYPE": "crypt",
        "RCLONE_CONFIG_C_REMOTE": f"s:{BUCKET}/rclone",
        "RCLONE_CONFIG_C_PASSWORD": obscured("a passphrase of the benchmark").strip(),
    }
    command = ("rclone", "copy", "--ignore-times", str(folder), "c:")
    return Contestant("rclone crypt", command, bench.root, environ)


def _restic(bench: Bench, folder: Path) -> Contestant:
    environ = _amazon(bench) | {"RESTIC_PASSWORD": "a passphrase of the benchmark"}
    number = iter(range(10**6))
    # A repository of its own each time: restic uploads no content twice.
    text = "restic init -q && restic backup -q ."
    environ["RESTIC_REPOSITORY"] = f"s3:{bench.endpoint}/{BUCKET}/restic"

    def forget() -> None:
        environ["RESTIC_REPOSITORY"] = f"s3:{bench.endpoint}/{BUCKET}/restic{next(number)}"

    return Contestant("restic", ("sh", "-c", text), folder, environ, forget)
