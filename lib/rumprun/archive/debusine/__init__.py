# SPDX-License-Identifier: BSD-2-Clause
"""Builds on a debusine server: https://freexian-team.pages.debian.net/debusine/."""
