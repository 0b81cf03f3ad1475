"""The Gradio shell: nothing from elsewhere, nothing secret, nothing but our own scripts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from listening_tests.page.shell import make_listener_page, mount_listener

STATIC = Path(__file__).parents[3] / "listening_tests" / "page" / "static"


@pytest.fixture(scope="module")
def client() -> TestClient:
    with TestClient(mount_listener(FastAPI())) as client:
        yield client


def test_the_page_starts_our_scripts_and_loads_no_fonts(client: TestClient) -> None:
    page = client.get("/listen/")
    assert page.status_code == 200
    assert "assets/listener.js" in page.text
    loaded = re.findall(r"""<(?:script|link)[^>]+(?:src|href)=["'](https?://[^"']+)""", page.text)
    assert loaded == []
    theme = client.get("/listen/theme.css").text
    assert theme and not re.search(r"url\((?![\"']?data:)|@import|@font-face", theme)


def test_the_link_keeps_its_parameters(client: TestClient) -> None:
    page = client.get("/listen?study=abc&PROLIFIC_PID=1", follow_redirects=False)
    assert page.status_code in (303, 307, 308)
    assert page.headers["location"].endswith("/listen/?study=abc&PROLIFIC_PID=1")


def test_the_public_configuration_is_one_component_without_functions(client: TestClient) -> None:
    config = client.get("/listen/config").json()
    assert [part["type"] for part in config["components"]] == ["html"]
    assert config["dependencies"] == []
    assert config["analytics_enabled"] is False and config["footer_links"] == []
    folder = str(Path(__file__).parents[3])
    assert folder not in client.get("/listen/config").text and folder not in client.get("/listen/").text


def test_every_page_is_the_same_for_every_study() -> None:
    def props(page) -> list:
        return [part["props"] for part in page.get_config_file()["components"]]

    assert props(make_listener_page()) == props(make_listener_page())


def test_our_files_name_no_other_host_and_import_only_each_other() -> None:
    scripts = [*STATIC.rglob("*.js"), *STATIC.rglob("*.css")]
    assert len(scripts) > 10
    for path in scripts:
        text = path.read_text(encoding="utf-8")
        hosts = set(re.findall(r"https?://([a-z0-9.-]+)", text)) - {
            "www.w3.org"
        }  # the SVG name space, which is not fetched
        assert hosts == set(), path
        for module in re.findall(r"""from ["']([^"']+)["']""", text):
            assert module.startswith(".") and (path.parent / module).is_file(), f"{path}: {module}"
