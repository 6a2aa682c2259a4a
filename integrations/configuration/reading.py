"""YAML and JSON as values that remember on which line they stand."""

import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from django.utils.translation import gettext as _

from integrations.configuration.problems import ConfigurationError, Path, Problem


class _Loader(yaml.SafeLoader):
    """YAML with JSON's types only: the key `on`, the word `no` and the id 0412 stay as written."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem=_("anchors and aliases are not read"), problem_mark=mark
            )
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "tag", None):
            raise yaml.MarkedYAMLError(
                problem=_("tags such as !!int are not read"), problem_mark=event.start_mark
            )
        return super().compose_node(parent, index)


for _name, _pattern, _first in [
    ("bool", r"true|false", "tf"),
    ("null", r"~|null|", ["~", "n", ""]),
    ("int", r"-?(0|[1-9][0-9]{0,17})", "-0123456789"),  # a longer one stays text
]:
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}", re.compile(rf"(?:{_pattern})\Z"), list(_first)
    )


@dataclass
class Tree:
    """The values of a file; `lines` maps each path to its line."""

    value: Any = field(default=None, repr=False)
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int | None:
        """Return the line of a path, or of what holds it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def read(raw: bytes) -> Tree:
    """Return what a YAML or JSON file holds; raises ConfigurationError naming the line."""
    text = _text(raw)
    try:
        loader = _Loader(text)
        return _tree(loader, loader.get_single_node())
    except yaml.MarkedYAMLError as error:
        # Its own text would quote the line, and with it perhaps a secret.
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise _unreadable(error.problem or _("this cannot be read"), line) from None
    except yaml.YAMLError:
        raise _unreadable(_("there is a character in it that YAML does not allow")) from None
    except RecursionError:
        raise _unreadable(_("it is nested too deep")) from None


def _text(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(
            _("this is not UTF-8 text"), raw.count(b"\n", 0, error.start) + 1
        ) from None
    # JSON may be indented by tabs, which YAML refuses; in its strings no tab is allowed.
    return text.replace("\t", " ") if text.lstrip().startswith(("{", "[")) else text


def _unreadable(message: str, line: int | None = None) -> ConfigurationError:
    return ConfigurationError([Problem((), message, line)])


def _tree(loader: _Loader, root: yaml.Node | None) -> Tree:
    tree = Tree()
    problems: list[Problem] = []

    def value_of(node: yaml.Node, path: Path) -> Any:
        tree.lines.setdefault(path, _line(node))
        if isinstance(node, yaml.SequenceNode):
            return [value_of(item, (*path, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return mapping_of(node, path)
        value = loader.construct_object(node)
        return _whole(value) if isinstance(value, str) else value

    def mapping_of(node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
            if key in found:
                first = tree.lines[(*path, key)]
                message = _("this key appears twice, first on line {line}").format(line=first)
                problems.append(Problem((*path, key), message, _line(key_node)))
            tree.lines[(*path, key)] = _line(key_node)
            found[key] = value_of(value_node, (*path, key))
        return found

    tree.value = value_of(root, ()) if root else {}
    if problems:
        raise ConfigurationError(problems)
    return tree


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _whole(text: str) -> str:
    r"""Join the halves in which JSON escapes a character such as 😀 (`\ud83d\ude00`)."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
