"""Runs the shop for a while and writes what was seen to `facts/`: `python observe/observe.py`.

Everything runs on the loopback interface and in a temporary folder, and is stopped and removed at the
end. The spans themselves are not kept.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import venv
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import loadgen
import reduce
import render
from services import SERVICES

HERE = Path(__file__).resolve().parent
FACTS = HERE.parent / "facts"
ENVIRONMENT = "rehearsal"
DURATION_SECONDS = 20

TABLES = {
    "orders-db": "CREATE TABLE orders (number INTEGER, item INTEGER);",
    "stock-db": "CREATE TABLE stock (item INTEGER, amount INTEGER);"
    + "".join(f"INSERT INTO stock VALUES ({item}, 1000);" for item in range(10)),
}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        python = _install(work / "venv")
        databases = _create_databases(work)
        (work / "spans").mkdir()

        running: list[subprocess.Popen[str]] = []
        try:
            urls = _start(python, work, databases, running)
            started = _now()
            load = loadgen.generate(urls, DURATION_SECONDS)
            ended = _now()
        finally:
            _stop(running)

        snapshot = work / "facts"
        snapshot.mkdir()
        spans = sorted((work / "spans").glob("*.jsonl"))
        _write(snapshot / "traces.json", json.dumps(reduce.reduce(spans), indent=2) + "\n")
        _write(snapshot / "load.json", json.dumps(load, indent=2) + "\n")
        rendered = _now()
        _write(snapshot / "manifests.yaml", render.render())
        _write(
            snapshot / "snapshot.yaml",
            f"version: 1\nenvironment: {ENVIRONMENT}\nsources:\n"
            + _source(snapshot / "load.json", "loadgen.py", started, ended, "census")
            + _source(snapshot / "manifests.yaml", "render.py", rendered, rendered, "declared")
            + _source(snapshot / "traces.json", "reduce.py", started, ended, "census")
            + "    sampling: 1.0\n",
        )
        FACTS.mkdir(exist_ok=True)
        # The manifest names the digests of the others, so it comes last.
        for file in ["load.json", "manifests.yaml", "traces.json", "snapshot.yaml"]:
            shutil.copyfile(snapshot / file, FACTS / file)


def _install(folder: Path) -> Path:
    """A Python of its own that has what the services import."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        + ["--requirement", HERE / "requirements.txt"],
        check=True,
    )
    return python


def _create_databases(work: Path) -> dict[str, str]:
    paths = {name: str(work / f"{name}.sqlite") for name in TABLES}
    for name, path in paths.items():
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(TABLES[name])
    return paths


def _start(
    python: Path, work: Path, databases: dict[str, str], running: list[subprocess.Popen[str]]
) -> dict[str, str]:
    """Starts every service, adds it to `running`, and gives the addresses."""
    urls: dict[str, str] = {}
    for service in SERVICES:
        settings = {
            "version": service.version,
            "environment": ENVIRONMENT,
            "spans": str(work / "spans" / f"{service.name}.jsonl"),
            "peers": {peer: urls[peer] for peer in service.peers},
            "databases": {database: databases[database] for database in service.databases},
        }
        process = subprocess.Popen(
            [python, HERE / "shop.py", service.name],
            env={**os.environ, "SHOP": json.dumps(settings)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        urls[service.name] = f"http://127.0.0.1:{int(process.stdout.readline())}"
    return urls


def _stop(running: list[subprocess.Popen[str]]) -> None:
    """Callers first, so that nobody calls a service that has gone."""
    for process in reversed(running):
        # Closes its standard input and waits.
        process.communicate(timeout=30)


def _source(file: Path, script: str, since: str, until: str, basis: str) -> str:
    return (
        f"  {file.stem}:\n"
        f"    file: {file.name}\n"
        f"    sha256: {hashlib.sha256(file.read_bytes()).hexdigest()}\n"
        f"    status: ok\n"
        f"    collector: observe/{script}\n"
        f"    observed_from: {since}\n"
        f"    observed_to: {until}\n"
        f"    basis: {basis}\n"
    )


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


if __name__ == "__main__":
    main()
