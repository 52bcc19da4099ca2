"""The guard's command line, read by hand: argparse costs as much as the whole look."""

from vsync.guard.errors import CannotLook

FORMATS = ("text", "json", "sarif", "github")
HELP = """\
Usage: git vsync guard [OPTIONS] [FILE]...

  Look at what git is about to take, and refuse plaintext. Reads the index, never the work
  tree, and changes nothing.

Modes (one of them):
  --staged            staged content (the default)
  FILE...             the content that the index has for these paths
  --range A..B        what these commits add
  --all               every tracked file
  --history           what every reachable commit added

Options:
  --format FORMAT     text, json, sarif (2.1.0) or github (annotations)
  --json              the same as --format json
  -C DIR              work as if started in DIR
  --fix-help          after a leak: what is in the history, and what to type; changes nothing
  -q, --quiet         say only what was found
  -h, --help          show this
  --version           show the version

Examples:
  git vsync guard
  git vsync guard --range main..HEAD --format github
  git vsync guard --fix-help

Exit codes: 0 clean, 1 something was found, 2 wrong words or configuration, 15 git says no.
To let something pass: `# vsync:allow` on its line, or [[guard.allow]] in vsync.toml.
"""


class Words:
    """What was asked for: `mode` is staged, files, range, all or history; `hook` a git hook."""

    __slots__ = (
        "files",
        "fix_help",
        "folder",
        "form",
        "help",
        "hook",
        "mode",
        "or_all",
        "quiet",
        "range",
        "record",
        "rest",
        "version",
    )

    def __init__(self) -> None:
        self.mode = ""
        self.files: list[str] = []
        self.folder = ""
        self.form = "text"
        self.hook = ""
        self.rest: list[str] = []
        self.quiet = False
        self.range = ""
        self.help = False
        self.version = False
        self.or_all = False
        self.fix_help = False
        self.record = False


def parse(arguments: list[str]) -> Words:
    """Return what the words ask for; CannotLook (2) when they make no sense."""
    words = Words()
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            words.files += rest
            break
        if not word.startswith("-") or word == "-":
            words.files.append(word)
        elif word == "--hook":
            words.hook = _value(word, rest)
            words.rest = rest
            break
        else:
            _option(words, word, rest)
    return _settled(words)


_FLAGS = {
    "--json": ("form", "json"),
    "-q": ("quiet", True),
    "--quiet": ("quiet", True),
    "-h": ("help", True),
    "--help": ("help", True),
    "--version": ("version", True),
    "--fix-help": ("fix_help", True),
    "--record": ("record", True),
    "--or-all": ("or_all", True),
}
_MODES = ("--staged", "--all", "--history")
_EVERYWHERE = ("-v", "--verbose", "--no-input")


def _option(words: Words, word: str, rest: list[str]) -> None:
    name, equals, value = word.partition("=")
    if equals and name.startswith("--"):
        rest.insert(0, value)
    if name == "--format":
        words.form = _value(name, rest)
        if words.form not in FORMATS:
            raise wrong(f"there is no format {words.form!r}", f"--format {' or '.join(FORMATS)}")
    elif name == "--range":
        words.range = _value(name, rest)
        _set_mode(words, "range")
    elif name == "-C":
        words.folder = _value(name, rest)
    elif name == "-c":
        raise wrong(
            "the guard goes by every configuration of the repository, and by no other: -c says nothing to it",
            "leave -c out",
        )
    elif word in _FLAGS:
        setattr(words, *_FLAGS[word])
    elif word in _MODES:
        _set_mode(words, word[2:])
    elif word not in _EVERYWHERE:
        raise wrong(f"there is no option {word!r}")


def _set_mode(words: Words, mode: str) -> None:
    if words.mode and words.mode != mode:
        raise wrong(f"--{words.mode} and --{mode} are two different looks")
    words.mode = mode


def _settled(words: Words) -> Words:
    if words.files:
        if words.mode:
            raise wrong(f"FILE and --{words.mode} are two different looks")
        words.mode = "files"
    words.mode = words.mode or ("history" if words.fix_help else "staged")
    return words


def _value(name: str, rest: list[str]) -> str:
    if not rest:
        raise wrong(f"{name} needs a value")
    return rest.pop(0)


def wrong(message: str, hint: str = "git vsync guard -h") -> CannotLook:
    """Return the error for words that make no sense."""
    return CannotLook(message, hint=hint, code=2)
