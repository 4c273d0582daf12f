# SPDX-License-Identifier: BSD-2-Clause
"""What can be told of a source's variants without building them."""

from rumprun.source.scan.depends import all_names
from rumprun.source.scan.lookup import look_up_packages
from rumprun.source.scan.model import Context, Evidence, Needs, Package, Report, Risk, Severity
from rumprun.source.scan.predict import find_cycles, scan_tree, variants_of

__all__ = [
    "Context",
    "Evidence",
    "Needs",
    "Package",
    "Report",
    "Risk",
    "Severity",
    "all_names",
    "find_cycles",
    "look_up_packages",
    "scan_tree",
    "variants_of",
]
