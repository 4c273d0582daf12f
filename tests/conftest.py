# SPDX-License-Identifier: BSD-2-Clause
"""Settings for all tests."""

import signal

from hypothesis import HealthCheck, settings

from lab_fixtures import lab, lab_agent, lab_factory, pytest_runtest_makereport

# Fixtures and hooks are found here by their names.
__all__ = ["lab", "lab_agent", "lab_factory", "pytest_runtest_makereport"]

# Machines are shared and noisy: how long an example takes says nothing.
settings.register_profile("noisy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("noisy")

# A shell starts what it runs in the background with SIGINT ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
