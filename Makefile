# SPDX-License-Identifier: BSD-2-Clause
# Every target is one line that calls a script or a directory's own Makefile.
all: toolchain toolchain-c++ lwip boards

toolchain:
	$(MAKE) -C toolchain install DESTDIR=$(CURDIR)/build/toolchain

# Minutes, the first time: libstdc++, which C programs and the demo do without.
toolchain-c++: toolchain
	$(MAKE) -C toolchain install-c++ DESTDIR=$(CURDIR)/build/toolchain

# For the pvh board's network; the archive is asked once.
lwip: toolchain
	scripts/lwip build/lwip

boards: toolchain
	for part in boards/common boards/linux boards/pvh lab; do $(MAKE) -C $$part install DESTDIR=$(CURDIR)/build/boards || exit 1; done

demo:
	scripts/demo

check:
	scripts/check

check-fast:
	scripts/check --fast

bench:
	scripts/bench

bench-zero-edit:
	scripts/bench zero_edit $(SOURCES)

clean:
	rm -rf build

.PHONY: all toolchain toolchain-c++ lwip boards demo check check-fast bench bench-zero-edit clean
