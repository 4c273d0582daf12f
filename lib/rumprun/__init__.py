# SPDX-License-Identifier: BSD-2-Clause
"""Static rumprun variants of Debian source packages, and images baked from them."""
