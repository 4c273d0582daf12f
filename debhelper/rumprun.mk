# SPDX-License-Identifier: BSD-2-Clause
# For a debian/rules that does not call dh: builds and packs the -rumprun packages. Include it at
# the end of debian/rules and put dh-rumprun into Build-Depends:
#
#     -include /usr/share/dh-rumprun/rumprun.mk
#
# The work is a last prerequisite of binary-indep, so it comes after the package's own build and
# install, and before its own recipe. That recipe may leave the -rumprun packages alone (-p, -N,
# an empty recipe) or treat them like any other package (dh_gencontrol -i, dh_builddeb -i): they
# are filled by then, and each command can be run on them again.

# Not inside the variant pass, which runs the same rules in a copy of the source.
ifeq ($(DH_RUMPRUN_PASS),)

# Without those that a build profile or a -B build leaves out. Asked for once, when first needed.
rumprun_packages = $(eval rumprun_packages := $$(filter %-rumprun %-rumprun-dev,$$(shell \
	dh_listpackages -i)))$(rumprun_packages)
rumprun_options = $(addprefix -p,$(rumprun_packages))

define rumprun_recipe
	dh_rumprun $(rumprun_options)
	dh_installdocs $(rumprun_options)
	dh_installchangelogs $(rumprun_options)
	dh_lintian $(rumprun_options)
	dh_link $(rumprun_options)
	dh_compress $(rumprun_options)
	dh_fixperms $(rumprun_options)
	dh_installdeb $(rumprun_options)
	dh_gencontrol $(rumprun_options)
	dh_md5sums $(rumprun_options)
	dh_builddeb $(rumprun_options)
endef

binary: binary-indep
binary-indep: rumprun-packages

rumprun-packages:
	$(if $(rumprun_packages),$(rumprun_recipe))

.PHONY: binary binary-indep rumprun-packages

endif
