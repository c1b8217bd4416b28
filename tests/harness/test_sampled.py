"""Of a table that is marked `sampled(n)` the quick run takes each n-th row, and the whole run all."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]


@pytest.mark.parametrize(("arguments", "taken"), [(("-m", "not slow"), [0, 3, 6]), ((), [*range(7)])])
def test_each_nth_row_is_quick(pytester: pytest.Pytester, arguments: tuple[str, ...], taken: list[int]) -> None:
    pytester.makeconftest("from tests.conftest import pytest_collection_modifyitems\n")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.sampled(3)
        @pytest.mark.parametrize("row", range(7))
        def test_of_a_table(row):
            print("row", row)

        def test_by_itself():
            print("row by itself")
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:mockbackend", "-rP", *arguments)
    assert [line for line in result.outlines if line.startswith("row ")] == [
        *(f"row {row}" for row in taken),
        "row by itself",
    ]
