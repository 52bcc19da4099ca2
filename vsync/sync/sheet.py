"""What verify looked at in one vault, what it did not and why, and what it found."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from vsync.checks import Check, finding
from vsync.errors import IntegrityError, KeyUnavailable, NotFound, StoreError, VsyncError
from vsync.formats.lockfile import LockEntry
from vsync.model import Finding, Json, Mapping, Result

_KINDS: tuple[tuple[str, type[VsyncError]], ...] = (
    ("key-absent", KeyUnavailable),
    ("untrusted", IntegrityError),
    ("unreachable", StoreError),
    ("unpublished", NotFound),
    ("unknown", VsyncError),
)
_WANTED = {
    "key-absent": "both halves; or, on purpose without them: --offline",
    "untrusted": "a pointer and a bundle that are authentic, and not older than what was seen",
    "unreachable": "an answer of the store",
    "unpublished": "a version in the store",
}


@dataclass
class Sheet:
    """The sheet of one vault; `version` is the judged one, `entry` what the lock says."""

    mapping: Mapping
    entry: LockEntry | None
    version: str | None = None
    first_contact: bool = False
    ran: set[Check] = field(default_factory=set)
    skipped: dict[Check, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def look(self, check: Check, found: Iterable[Finding] | None, *, skipped: str = "") -> None:
        """Note that a check was made and what it found; None: there was nothing to look at."""
        if found is None:
            self.skip(skipped, check)
            return
        self.ran.add(check)
        self.findings += found

    def skip(self, reason: str, *checks: Check) -> None:
        """Note that checks were not made."""
        self.skipped |= dict.fromkeys(checks, reason)

    def result(self, *, strict: bool) -> Result:
        """Return the verdict; with `strict`, notices are findings."""
        found = tuple(one._replace(notice=one.notice and not strict) for one in self.findings)
        drift = sum(not one.notice for one in found)
        summary = f"{drift} finding{'' if drift == 1 else 's'}" if drift else "in sync"
        at = f" at {self.version}" if self.version else ""
        state = "drift" if drift else "clean"
        code = 1 if drift else 0
        return Result(
            str(self.mapping.secret), state, summary + at, data=self._data(), code=code, findings=found
        )

    def unknown(self, error: VsyncError, *, strict: bool) -> Result:
        """Return what was found before the error, which is never a pass: the code is that of the error."""
        kind = next(kind for kind, errors in _KINDS if isinstance(error, errors))
        told = finding(
            kind,
            self.mapping,
            found=error.message,
            wanted=_WANTED.get(kind, "a look that says yes or no"),
            fix=error.hint or f"git vsync status {self.mapping.secret.name} --check-remote",
        )
        self.findings.append(told)
        summary = f"could not be looked at: {error.message}"
        return self.result(strict=strict)._replace(state="unknown", summary=summary, code=error.exit_code)

    def _data(self) -> dict[str, Json]:
        return {
            "version": self.version,
            "checked": [str(check) for check in Check if check in self.ran],
            "skipped": {str(check): reason for check, reason in self.skipped.items()},
            "first_contact": self.first_contact,
        }
