"""The pages' files are found once for the run: every new test client is a web server of its own, which would look through all folders again."""

from __future__ import annotations

from whitenoise.middleware import WhiteNoiseMiddleware


def find_once() -> None:
    look = WhiteNoiseMiddleware.add_files_from_finders
    found: dict[str, object] = {}

    def add(self: WhiteNoiseMiddleware) -> None:
        if not found:
            look(self)
            found.update(self.files)
        self.files.update(found)

    WhiteNoiseMiddleware.add_files_from_finders = add
