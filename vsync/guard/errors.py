"""Why the guard could not look; its own small class, because importing ours costs a commit."""


class CannotLook(Exception):
    """The guard did not do its work, which is never the same as having found nothing.

    `code` is an exit code of the product contract §7: 2 wrong words or configuration, 15 git says no.
    """

    def __init__(self, message: str, *, hint: str = "", code: int = 15) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
