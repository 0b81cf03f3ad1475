from __future__ import annotations

import numpy as np
import pytest

from harness.systems import SystemSpec, UnknownSystemError, check_strategies, load_system, parse_systems
from streamflow.session import StreamRequest


def error_of(function, *arguments) -> str:
    with pytest.raises(UnknownSystemError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_entries_are_strategies_or_objects_in_order():
    full, mine = parse_systems("full, mine=chunked:Resynthesis")
    assert (full.name, full.strategy, full.object) == ("full", "full", None)
    assert (mine.name, mine.strategy, mine.object) == ("mine", None, "chunked:Resynthesis")


@pytest.mark.parametrize(
    ("entries", "part"),
    [
        ("", "no systems"),
        (" , ", "no systems"),
        ("full,full", "given twice"),
        ("mine=chunked", "package.module:attribute"),
        ("reference=chunked:Resynthesis", "taken by the recordings"),
        ("../x=chunked:Resynthesis", "system name"),
    ],
)
def test_malformed_entries_are_refused(entries, part):
    assert part in error_of(parse_systems, entries)


def test_a_table_gives_parameters_and_comes_back_as_it_was():
    table = {"strategy": "streamflow-sr", "hop": 2}
    spec = SystemSpec.from_table("sr-hop2", table)
    assert spec.parameters == {"hop": 2}
    assert spec.table() == table


def test_a_table_without_strategy_means_its_name():
    assert SystemSpec.from_table("full", {"nfe": 4}).strategy == "full"


def test_a_table_with_both_kinds_is_refused():
    assert "give one" in error_of(SystemSpec.from_table, "x", {"strategy": "full", "object": "a:b"})


def test_an_unknown_strategy_names_the_nearest():
    message = error_of(check_strategies, parse_systems("streamflw-sr"))
    assert "unknown system 'streamflw-sr'" in message
    assert "did you mean 'streamflow-sr'" in message


def request() -> StreamRequest:
    return StreamRequest("u", np.zeros(2, np.float32), reference=np.zeros(6400, np.float32))


def test_parameters_reach_a_users_decoder():
    system = load_system(SystemSpec("mine", object="chunked:Resynthesis", parameters={"hop": 3}), None)
    assert system.open(request()).hop == 3


def test_the_description_of_a_users_decoder_changes_with_its_source(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    descriptions = []
    for number in (1, 2):
        (tmp_path / f"edited{number}.py").write_text(f"GAIN = {number}\ndef decoder(request): ...\n")
        descriptions.append(load_system(SystemSpec("x", object=f"edited{number}:decoder"), None).description)
    assert descriptions[0]["source_sha256"] != descriptions[1]["source_sha256"]


def test_a_decoder_in_the_working_directory_is_found(tmp_path, monkeypatch):
    (tmp_path / "decoder_of_mine.py").write_text("from chunked import Resynthesis as Decoder\n")
    monkeypatch.chdir(tmp_path)
    assert load_system(SystemSpec.parse("mine=decoder_of_mine:Decoder"), None).open(request()).tokens == 0


def test_describe_of_a_made_decoder_is_part_of_the_description(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "described.py").write_text(
        "class Maker:\n    def describe(self): return {'algorithmic_latency_s': 0.5}\n"
        "    def __call__(self, request): ...\nmaker = Maker()\n"
    )
    assert load_system(SystemSpec.parse("x=described:maker"), None).algorithmic_latency_s == 0.5


@pytest.mark.parametrize(
    ("target", "part"),
    [
        ("nowhere.at_all:Decoder", "no module named 'nowhere'"),
        ("chunked:Resynthesys", "did you mean 'Resynthesis'"),
        ("chunked:NOT_CALLABLE", "not callable"),
        ("chunked:", "is not package.module:attribute"),
    ],
)
def test_an_object_that_cannot_be_had_is_refused(target, part):
    assert part in error_of(load_system, SystemSpec.parse(f"mine={target}"), None)


def test_a_module_that_fails_to_import_is_told_in_one_line(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "raising_module.py").write_text("raise OSError('libc10_cuda.so:\\n cannot open')\n")
    message = error_of(load_system, SystemSpec.parse("x=raising_module:y"), None)
    assert "OSError: libc10_cuda.so: cannot open" in message
