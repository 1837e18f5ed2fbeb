"""The agent as one file."""

from __future__ import annotations

import ast
import sys

from labels.agent import bundle


def test_the_one_file_is_for_old_pythons_and_needs_nothing_else():
    known = set(sys.stdlib_module_names) | {"labels"}
    for path in bundle.sources():
        tree = ast.parse(path.read_text(), feature_version=(3, 9))
        imports = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        imports |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert {name.split(".")[0] for name in imports} <= known, path
        ours = {name for name in imports if name.startswith("labels")}
        assert all(name.startswith(("labels.agent", "labels.printers")) for name in ours), path
    assert bundle.build() == bundle.build()
