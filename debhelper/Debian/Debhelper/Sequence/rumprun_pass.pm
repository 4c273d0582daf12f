# SPDX-License-Identifier: BSD-2-Clause
# Loaded by DH_EXTRA_ADDONS inside the variant pass: dh runs what builds and what fills the
# packages' trees, and leaves out what documents, checks and packs them. A removed command takes
# its override targets with it, which would look for files that this pass does not make.
use strict;
use warnings;
use Debian::Debhelper::Dh_Lib;

my @left_out = qw(
    dh_testroot
    dh_installdocs dh_installchangelogs dh_installexamples dh_installman dh_installcatalogs
    dh_installcron dh_installdebconf dh_installemacsen dh_installifupdown dh_installinfo
    dh_installinit dh_installsysusers dh_installtmpfiles dh_installsystemd dh_installsystemduser
    dh_installmenu dh_installmime dh_installmodules dh_installlogcheck dh_installlogrotate
    dh_installpam dh_installppp dh_installudev dh_installgsettings dh_installinitramfs
    dh_installalternatives dh_bugfiles dh_ucf dh_lintian dh_icons dh_perl dh_usrlocal
    dh_installwm dh_installxfonts dh_strip_nondeterminism dh_compress dh_fixperms dh_missing
    dh_dwz dh_strip dh_makeshlibs dh_shlibdeps
    dh_installdeb dh_gencontrol dh_md5sums dh_builddeb
);
push @left_out, 'dh_auto_test' if get_buildoption('nocheck');
remove_command($_) for @left_out;

1;
