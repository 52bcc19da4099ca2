"""How two sides differ, by names: rules about values only, nothing is read here."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MissingNames:
    """Names that one side has and the other lacks, each sorted."""

    bundle: tuple[str, ...] = ()
    """In the template or required, and not in the bundle."""

    template: tuple[str, ...] = ()
    """In the bundle, and not in the template."""

    def __bool__(self) -> bool:
        return bool(self.bundle or self.template)


def missing_names(
    bundle: Iterable[str], *, template: Iterable[str] | None, required: Iterable[str] = ()
) -> MissingNames:
    """Compare the names of a bundle with the required ones and the template's; None: there is no template."""
    names, wanted = set(bundle), set(required)
    listed = names if template is None else set(template)
    return MissingNames(
        bundle=tuple(sorted((wanted | listed) - names, key=str.encode)),
        template=tuple(sorted(names - listed, key=str.encode)),
    )
