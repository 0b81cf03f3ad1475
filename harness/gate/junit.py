"""JUnit XML of a gate, for the servers that show it: a test case is a metric over a slice."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

from .checks import figure
from .outcome import GateResult, sentence

ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML 1.0


def to_junit(result: GateResult) -> bytes:
    """One suite a system. FAIL is a failure, INCONCLUSIVE is skipped, and a broken evaluation an error.

    A check that only reports is a passed test case with its text in ``system-out``.
    """
    root = ElementTree.Element("testsuites", name="streamflow gate")
    if result.refusals:
        suite = _suite(root, "evaluation", len(result.refusals), errors=len(result.refusals))
        for number, reason in enumerate(result.refusals, 1):
            case = ElementTree.SubElement(suite, "testcase", classname="evaluation", name=f"refused {number}")
            ElementTree.SubElement(case, "error", message=_legal(reason), type="refused").text = _legal(reason)
    for system in dict.fromkeys(check.system for check in result.checks):
        checks = [check for check in result.checks if check.system == system]
        failed = [check for check in checks if check.holds_back and check.verdict == "FAIL"]
        skipped = [check for check in checks if check.holds_back and check.verdict == "INCONCLUSIVE"]
        suite = _suite(root, system, len(checks), failures=len(failed), skipped=len(skipped))
        for check in checks:
            case = ElementTree.SubElement(
                suite, "testcase", classname=_legal(f"gate.{system}"), name=_legal(check.name)
            )
            text = _legal(sentence(check))
            if check in failed:
                ElementTree.SubElement(case, "failure", message=text, type=check.kind).text = text
            elif check in skipped:
                ElementTree.SubElement(case, "skipped", message=text)
            p = "" if math.isnan(check.p_holm) else f"\np {figure(check.p_holm, False)} (Holm)"
            ElementTree.SubElement(case, "system-out").text = text + p
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _suite(root: ElementTree.Element, name: str, tests: int, **counts: int) -> ElementTree.Element:
    numbers = {"failures": 0, "errors": 0, "skipped": 0} | counts
    return ElementTree.SubElement(
        root, "testsuite", name=_legal(name), tests=str(tests), **{key: str(value) for key, value in numbers.items()}
    )


def _legal(text: str) -> str:
    return ILLEGAL.sub("\ufffd", text)
