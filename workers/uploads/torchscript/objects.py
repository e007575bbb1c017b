"""Instances of classes that an archive defines."""

from collections.abc import Mapping
from typing import Any

from workers.uploads.torchscript.limits import invalid
from workers.uploads.torchscript.program import Program


class ScriptInstance:
    """An object with attributes, and methods that are programs."""

    def __init__(self, type_name: str, methods: Mapping[str, Program]) -> None:
        self.type_name = type_name
        """Qualified name of its class."""
        self._methods = methods
        self._attributes: dict[str, Any] = {}

    def __call__(self, *arguments: Any) -> Any:
        return self.call_method("forward", *arguments)

    def call_method(self, name: str, *arguments: Any) -> Any:
        """Run a method."""
        if name not in self._methods:
            raise invalid(f"The class {self.type_name} has no method '{name}'.")
        return self._methods[name].run(None, self, *arguments)

    def read(self, name: str) -> Any:
        """The value of an attribute."""
        if name not in self._attributes:
            raise invalid(f"The object of class {self.type_name} has no attribute '{name}'.")
        return self._attributes[name]

    def write(self, name: str, value: Any) -> None:
        """Set an attribute."""
        self._attributes[name] = value
