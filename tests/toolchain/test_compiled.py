"""What is compiled beforehand is what pytest would have compiled."""

from pathlib import Path

from _pytest.assertion import rewrite

from tests.compiled import compile_test


def test_a_test_module_is_compiled_with_its_assertions_and_again_once_it_differs(tmp_path: Path):
    file = tmp_path / "test_it.py"
    found = []
    for content in ("def test_it(): assert 1 == 2\n", "def test_it(): assert 1 == 3\n"):
        file.write_text(content)
        compile_test(file)
        (compiled,) = (tmp_path / "__pycache__").iterdir()
        code = rewrite._read_pyc(file, compiled)
        assert code is not None
        assert "@pytest_ar" in code.co_names
        found.append(compiled.read_bytes())
    assert found[0] != found[1]
