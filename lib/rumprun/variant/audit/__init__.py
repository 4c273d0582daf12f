# SPDX-License-Identifier: BSD-2-Clause
"""The gate between stage and package: what may be packed, and why something may not."""

from rumprun.variant.audit.finding import Finding
from rumprun.variant.audit.judge import Verdict, audit_tree, judge_file, judge_tree
from rumprun.variant.audit.subject import Rule, all_rules

__all__ = [
    "Finding",
    "Rule",
    "Verdict",
    "all_rules",
    "audit_tree",
    "judge_file",
    "judge_tree",
]
