"""What a row is held to: the least that has to be done, written with boto3 itself.

Started as a script of its own, `python floors.py WHAT …`, which imports only what WHAT needs.
The server comes from the environment: BENCH_ENDPOINT, BENCH_BUCKET, BENCH_KEY_ID, BENCH_SECRET.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

PASSWORD = "a vault key of the benchmark, 44 characters.."
SALT = b"MTIzNDU2Nzg5MDEyMzQ1Njc4"


def client(config: Any = None) -> Any:
    """Return boto3's own client, as anybody would write it."""
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=os.environ["BENCH_ENDPOINT"],
        aws_access_key_id=os.environ["BENCH_KEY_ID"],
        aws_secret_access_key=os.environ["BENCH_SECRET"],
        region_name="us-east-1",
        config=config,
    )


def derive(times: int = 1) -> None:
    """Derive a key, as every verb that opens a vault has to."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

    for _ in range(times):
        PBKDF2HMAC(hashes.SHA256(), 32, SALT, 600_000).derive(PASSWORD.encode())


def put(path: str, key: str) -> None:
    """One derivation, and one PUT of a ready file."""
    derive()
    with open(path, "rb") as file:
        client().put_object(Bucket=os.environ["BENCH_BUCKET"], Key=key, Body=file.read())


def get(key: str, path: str) -> None:
    """One derivation, and one GET into a file."""
    derive()
    data = client().get_object(Bucket=os.environ["BENCH_BUCKET"], Key=key)["Body"].read()
    with open(path, "wb") as file:
        file.write(data)


def zip_put(folder: str, path: str, key: str) -> None:
    """A zip of the folder, then what `put` does."""
    import zipfile

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for inside, _, names in os.walk(folder):
            for name in names:
                archive.write(os.path.join(inside, name), name)
    put(path, key)


def upload(path: str, key: str) -> None:
    """Let boto3 upload a ready file, in the parts and threads it thinks best."""
    client().upload_file(path, os.environ["BENCH_BUCKET"], key)


def download(key: str, path: str, folder: str, copy: str) -> None:
    """Let boto3 download a file, then `cp -r` the folder that is in it."""
    import subprocess

    client().download_file(os.environ["BENCH_BUCKET"], key, path)
    subprocess.run(["cp", "-r", folder, copy], check=True)


def look(key: str, folder: str) -> None:
    """One read of the pointer, and reading the files."""
    client().get_object(Bucket=os.environ["BENCH_BUCKET"], Key=key)["Body"].read()
    buffer = bytearray(1024 * 1024)
    for inside, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(inside, name), "rb", buffering=0) as file:
                while file.readinto(buffer):
                    pass


def value(key: str, times: str) -> None:
    """One read, and the derivations that a runtime needs."""
    client().get_object(Bucket=os.environ["BENCH_BUCKET"], Key=key)["Body"].read()
    derive(int(times))


def judge(path: str) -> None:
    """Read the objects that a file lists, 16 at a time, and derive a key for every two of them."""
    from concurrent.futures import ThreadPoolExecutor

    import botocore.config

    with open(path, encoding="utf-8") as file:
        keys = file.read().split()
    once = client(botocore.config.Config(max_pool_connections=16))

    def read(key: str) -> None:
        once.get_object(Bucket=os.environ["BENCH_BUCKET"], Key=key)["Body"].read()

    with ThreadPoolExecutor(16) as pool, ThreadPoolExecutor(os.cpu_count()) as cores:
        derived = [cores.submit(derive) for _ in range(len(keys) // 2)]
        list(pool.map(read, keys))
        for one in derived:
            one.result()


def toml(path: str) -> None:
    """Parse a file with tomllib."""
    import tomllib

    with open(path, "rb") as file:
        tomllib.load(file)


WHAT: dict[str, Callable[..., None]] = {
    "put": put,
    "get": get,
    "zip_put": zip_put,
    "upload": upload,
    "download": download,
    "look": look,
    "value": value,
    "judge": judge,
    "toml": toml,
}

if __name__ == "__main__":
    WHAT[sys.argv[1]](*sys.argv[2:])
