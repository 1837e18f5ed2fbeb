"""A scanner without a browser: it knows only what the pages tell it, and posts their own forms back."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from django.test import Client


@dataclass
class Page(HTMLParser):
    """The main element's data attributes, the scan form's fields, and the text."""

    data: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)
    text: str = ""
    status: int = 200

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "main":
            self.data = {name.removeprefix("data-"): value for name, value in values.items() if name.startswith("data-")}
        elif tag == "input" and values.get("type") == "hidden":
            self.fields[values["name"]] = values.get("value", "")
        elif tag == "button" and values.get("name") and "disabled" not in values:
            self.buttons.append(f"{values['name']}={values['value']}")

    def handle_data(self, data: str) -> None:
        self.text += f" {data.strip()}" if data.strip() else ""

    @property
    def screen(self) -> str:
        return self.data.get("screen", "")


def read(response: Any) -> Page:
    page = Page(status=response.status_code)
    page.feed(response.content.decode())
    return page


@dataclass
class Handheld:
    client: Client
    url: str = ""
    page: Page = field(default_factory=Page)

    def open(self, name: str) -> Page:
        self.url = f"/floor/{name}"
        self.page = read(self.client.get(self.url, follow=True))
        return self.page

    def post(self, **sent: str) -> Page:
        # What a browser would send: the hidden fields of the page, then what was typed or pressed.
        self.sent = {**self.page.fields, **sent}
        self.page = read(self.client.post(self.url, self.sent))
        return self.page

    def scan(self, *codes: str) -> Page:
        for code in codes:
            self.post(scan=code)
        return self.page

    def press(self, action: str) -> Page:
        return self.post(action=action, scan="")

    def again(self) -> Page:
        """The same request once more, as after a lost answer."""
        self.page = read(self.client.post(self.url, self.sent))
        return self.page
