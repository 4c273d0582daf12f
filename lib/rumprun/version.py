# SPDX-License-Identifier: BSD-2-Clause
"""The version of this package; the same as in debian/changelog, which a test checks."""

VERSION = "0.1"
