"""Systems with their parameters as lines of text, for forms: ``fast:streamflow-sr,nfe=2``, ``mine=decoder:Decoder``."""

from __future__ import annotations

from collections.abc import Iterable

from .systems import SystemSpec, UnknownSystemError, unique


def parse_system_line(line: str) -> SystemSpec:
    """Read ``STRATEGY``, ``NAME:STRATEGY,PARAMETER=VALUE,...`` (as links do) or ``NAME=package.module:attribute``.

    Raises:
        StreamflowError: none of these, or a strategy, parameter or value that there is not.
    """
    from .live.view import system_of

    head, comma, rest = line.strip().partition(",")
    if "=" not in head:
        return system_of(line.strip())
    if comma:
        raise UnknownSystemError(
            f"system {line.strip()!r}: parameters of an object ({rest}) go into an experiment file"
        )
    return SystemSpec.parse(head)


def parse_system_lines(lines: str | Iterable[str]) -> tuple[SystemSpec, ...]:
    """Systems from lines, empty ones passed over.

    Raises:
        StreamflowError: none, one twice, or one that :func:`parse_system_line` refuses.
    """
    each = lines.splitlines() if isinstance(lines, str) else list(lines)
    return unique([parse_system_line(line) for line in each if line.strip()])


def system_line(spec: SystemSpec) -> str:
    """The inverse of :func:`parse_system_line`."""
    from .live.view import system_text

    return f"{spec.name}={spec.object}" if spec.object else system_text(spec)
