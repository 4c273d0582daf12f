# SPDX-License-Identifier: BSD-2-Clause
"""One module a board; ``rumprun.bake.board`` finds them."""
