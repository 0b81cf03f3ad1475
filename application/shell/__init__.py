"""What is around every page: header, navigation, skeleton, colour scheme; and the pages for what went wrong."""

from .errors import ErrorPages
from .frame import add_shell

__all__ = ["ErrorPages", "add_shell"]
