# SPDX-License-Identifier: BSD-2-Clause
# dh-sequence-rumprun: builds the source a second time for its -rumprun packages, and bakes the
# images of packages with a debian/<package>.rumprun-bake. It only inserts, and into no sequence
# but build and install, so that Build-Depends-Indep may bring it.
use strict;
use warnings;
use Debian::Debhelper::Dh_Lib;

# Inside the variant pass, and where a profile has switched the -rumprun packages off, the
# source builds as if it had never heard of us.
my $variants = grep { /-rumprun(?:-dev)?$/ } getpackages('indep');
my $images = grep { -f "debian/$_.rumprun-bake" } getpackages();
if (not $ENV{DH_RUMPRUN_PASS} and $variants + $images) {
    insert_before('dh_update_autotools_config', 'dh_rumprun_prepare') if $variants;
    insert_after('dh_install', 'dh_rumprun');
}

1;
