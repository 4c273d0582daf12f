# SPDX-License-Identifier: BSD-2-Clause
"""Options of gcc(1) and ld(1), binutils 2.40 and gcc 12, whose value is the next word."""


def words_of(text: str) -> frozenset[str]:
    """The words of ``text``."""
    return frozenset(text.split())


# Options of gcc whose value is the next word; those that matter below are handled by name.
GCC_VALUED = words_of(
    """
    -x -D -U -A -B -T -u -z -e -G -MF -MT -MQ -include -imacros -iprefix -isysroot
    -iwithprefix -iwithprefixbefore -imultilib -imultiarch -aux-info -dumpbase -dumpbase-ext
    -dumpdir -Xassembler -Xpreprocessor --param -wrapper -specs --specs --sysroot --entry
    -Tbss -Tdata -Ttext -isystem -idirafter -iquote -I -L -l -o -Xlinker
    """
)

# Options of ld, without their one or two dashes, whose value is the next word.
LD_VALUED = words_of(
    """
    A architecture b format c mri-script defsym e entry f auxiliary F filter h soname m T
    script u undefined y trace-symbol Y z Tbss Tdata Ttext section-start retain-symbols-file
    version-script dynamic-list wrap plugin plugin-opt sort-section hash-style default-script
    dT just-symbols init fini assert a G o output Map rpath rpath-link dynamic-linker L
    library-path l library R
    """
)
