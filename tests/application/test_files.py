"""Files of runs and studies are reached by their signed addresses, and no other file is."""

from __future__ import annotations

import os
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from itsdangerous import TimestampSigner
from starlette.testclient import TestClient

from application.routes.files import FileLinkError, files_link, find_file
from application.site import Site
from listening_tests.service.auth import VALID_S

from . import raw


def capability(link: str) -> str:
    return link.split("/")[2]


def test_a_report_is_shown_under_a_policy_that_takes_its_origin_away(
    anybody: TestClient, site: Site, report_folder: Path
) -> None:
    answer = anybody.get(files_link(site, report_folder))
    assert (answer.status_code, answer.text) == (200, "<h1>A report</h1>")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts") and "allow-same-origin" not in policy
    assert "default-src 'none'" in policy and "frame-ancestors 'self'" in policy
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers


def test_a_sound_is_given_in_parts_and_under_its_awkward_name(
    anybody: TestClient, site: Site, report_folder: Path
) -> None:
    link = files_link(site, report_folder, "audio/a b#1.flac")
    part = anybody.get(link, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, bytes(range(10, 20)))
    assert part.headers["content-range"] == "bytes 10-19/200"
    assert anybody.get(link, headers={"Range": "bytes=900-"}).status_code == 416
    assert anybody.head(link).headers["content-length"] == "200"
    saved = anybody.get(files_link(site, report_folder, "audio/a b#1.flac", download=True))
    assert saved.headers["content-disposition"].startswith("attachment")


ATTACKS = [
    "../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "%2e%2e%2fsecret.txt", "%252e%252e%252fsecret.txt",
    "..%255csecret.txt", "..%5csecret.txt", "..\\secret.txt", "audio/../../secret.txt", "audio/../index.html", "./index.html",
    "index.html%00.txt", "%00", "index.html/", "audio", "", "/etc/passwd", "//etc/passwd", "%2fetc%2fpasswd", ".", "..",
    "....//secret.txt", "..;/secret.txt", "%c0%ae%c0%ae/secret.txt", "%ff%fe", "index.html::$DATA", "~/.ssh/id_rsa",
    "x" * 5000, "a/" * 500, "index.html%0d%0aSet-Cookie: a=b", "file=/etc/passwd",
]  # fmt: skip


@pytest.mark.parametrize("path", ATTACKS, ids=lambda path: path[:20] or "empty")
def test_no_path_leads_out_of_the_folder(app: FastAPI, site: Site, report_folder: Path, path: str) -> None:
    answer = raw.get(app, f"/files/{capability(files_link(site, report_folder))}/{path}")
    assert answer.status == 404 and b"error" in answer.body and len(answer.body) < 100
    assert "set-cookie" not in answer.headers and answer.headers["x-content-type-options"] == "nosniff"


PIECES = [
    "..",
    ".",
    "",
    "index.html",
    "audio",
    "secret.txt",
    "link",
    "out.txt",
    "%2e%2e",
    "\\",
    "\0",
    "~",
    "etc",
    "passwd",
]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=6).map("/".join))
def test_whatever_is_found_lies_in_the_folder(site: Site, run_folder: Path, path: str) -> None:
    report = run_folder / "report"
    if not (report / "link").is_symlink():
        (report / "link").symlink_to(run_folder)
        (report / "out.txt").symlink_to(run_folder / "secret.txt")
    found = find_file(site, capability(files_link(site, report)), path)
    assert found is None or (found.resolve().is_relative_to(report.resolve()) and found.is_file())


def test_links_lead_no_further_than_the_folder(anybody: TestClient, site: Site, report_folder: Path) -> None:
    (report_folder / "inside.html").symlink_to("index.html")
    (report_folder / "outside.txt").symlink_to("../secret.txt")
    (report_folder / "etc").symlink_to("/etc")
    (report_folder / "circle.html").symlink_to("circle.html")
    start = f"/files/{capability(files_link(site, report_folder))}/"
    assert anybody.get(start + "inside.html").status_code == 200
    for path in ("outside.txt", "etc/passwd", "etc/os-release", "circle.html"):
        assert anybody.get(start + path).status_code == 404


def test_a_folder_that_became_a_link_is_not_followed(anybody: TestClient, site: Site, report_folder: Path) -> None:
    link = files_link(site, report_folder)
    report_folder.rename(site.runs.parent / report_folder.parent.name)
    report_folder.symlink_to(site.runs.parent / report_folder.parent.name)
    assert anybody.get(link).status_code == 404
    with pytest.raises(FileLinkError, match="is not below the folders of runs"):
        files_link(site, report_folder)


def test_a_pipe_in_a_run_keeps_nobody_waiting(anybody: TestClient, site: Site, report_folder: Path) -> None:
    link = files_link(site, report_folder)
    os.mkfifo(report_folder / "pipe.html")
    assert anybody.get(link.replace("index.html", "pipe.html")).status_code == 404


@pytest.mark.parametrize(
    "name", ["ratings.sqlite", "study.toml", "job.py", "id_rsa", ".htaccess.html", "log", "x.html~"]
)
def test_other_kinds_of_files_are_not_shown(anybody: TestClient, site: Site, report_folder: Path, name: str) -> None:
    (report_folder / name).write_text("private")
    with pytest.raises(FileLinkError, match="not of a kind"):
        files_link(site, report_folder, name)
    assert anybody.get(f"/files/{capability(files_link(site, report_folder))}/{quote(name)}").status_code == 404


def test_an_address_opens_its_own_folder_and_runs_out(
    anybody: TestClient, site: Site, report_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = files_link(site, report_folder)
    (report_folder / "audio" / "x.txt").write_text("of the audio")
    narrow = capability(files_link(site, report_folder / "audio", "x.txt"))
    assert anybody.get(f"/files/{narrow}/x.txt").text == "of the audio"
    assert anybody.get(f"/files/{narrow}/index.html").status_code == 404
    stranger = Site(workspace=site.workspace, address=site.address)
    tampered = [
        capability(files_link(stranger, report_folder)),
        capability(link)[:-1],
        capability(link) + "A",
        "x",
        "a.b.c",
    ]
    tampered.append(".".join([capability(link).split(".")[0] + "Li4", *capability(link).split(".")[1:]]))
    for one in tampered:
        answer = anybody.get(f"/files/{one}/index.html")
        assert answer.status_code == 404
        assert answer.headers["x-frame-options"] == "SAMEORIGIN"  # a frame can say that nothing is there
    with monkeypatch.context() as patch:
        patch.setattr(TimestampSigner, "get_timestamp", lambda self: int(time.time()) - VALID_S - 1)
        old = files_link.__globals__["_sign"](site, f"runs/{report_folder.parent.name}/report")
    assert anybody.get(f"/files/{old}/index.html").status_code == 404


def test_only_folders_of_the_site_get_an_address(site: Site, report_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("elsewhere")
    for folder in (tmp_path, "/etc", site.runs, site.runs / "..", site.runs / "none"):
        with pytest.raises(FileLinkError) as caught:
            files_link(site, folder)
        assert "\n" not in str(caught.value)
    with pytest.raises(FileLinkError, match=r"^\.\./secret.txt is not in"):
        files_link(site, report_folder, "../secret.txt")


def test_an_address_names_no_folder_of_the_machine(site: Site, report_folder: Path) -> None:
    import base64

    encoded = capability(files_link(site, report_folder)).split(".")[0]
    assert base64.urlsafe_b64decode(encoded + "==").decode() == f"runs/{report_folder.parent.name}/report"
