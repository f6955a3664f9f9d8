"""One Chromium for all browser tests; without it they skip, or fail where it is required."""

import os

import lab as jupyter
import pytest


@pytest.fixture(scope="session")
def chromium():
    path = jupyter.find_chromium()
    if path is None:
        reason = "no Chromium here: run `sh scripts/install_chromium.sh`"
        if os.environ.get("TRACKLAB_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with jupyter.chromium(path) as browser:
        yield browser
