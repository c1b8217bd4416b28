"""The clients that people install, against the real server."""

import pytest

pytest.register_assert_rewrite("tests.clients.compared")
