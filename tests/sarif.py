"""Is it SARIF? Judged by the whole published schema, tests/vectors/sarif."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

SCHEMA = Path(__file__).with_name("vectors") / "sarif" / "sarif-2.1.0.json"


@cache
def _validator() -> Any:
    return jsonschema.Draft7Validator(json.loads(SCHEMA.read_text("utf-8")))


def validate_sarif(log: Any) -> None:
    """Raise jsonschema.ValidationError where a log, as json.loads gave it, is not SARIF 2.1.0."""
    _validator().validate(log)
