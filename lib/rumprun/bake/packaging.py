# SPDX-License-Identifier: BSD-2-Clause
"""Images in packages: baked into ``debian/<package>``, with what went into them in a substvar."""

from __future__ import annotations

from pathlib import Path

import apt

from rumprun.bake.board import find_board
from rumprun.bake.image import Image
from rumprun.bake.initramfs import source_date
from rumprun.bake.manifest import SUFFIX, Manifest, manifest_request, read_manifest
from rumprun.bake.output import bake_image
from rumprun.source.installed import packages_named
from rumprun.source.relations import exact_versions
from rumprun.variant.install import STATIC_BUILT_USING, set_substvars

# Below it, a directory for each package: no image's files are in another's way.
IMAGES = Path("usr/lib/rumprun-images")


def manifest_of(tree: Path, package: str) -> Path | None:
    """The manifest of the binary ``package`` in the source ``tree``, None: it has none."""
    path = tree / "debian" / f"{package}{SUFFIX}"
    return path if path.is_file() else None


def bake_package(tree: Path, package: str, manifest_file: Path) -> Image:
    """Bake what ``manifest_file`` says into the tree of ``package``, and set its substvar.

    Nothing is downloaded: the kernel has to be a file, or of an installed package.
    """
    manifest = read_manifest(manifest_file)
    directory = tree / "debian" / package / IMAGES / package
    request = manifest_request(manifest, date=source_date(), offline=True)
    image = bake_image(find_board(manifest.board), request, directory)
    built_using = {
        **_sources_of_components(image),
        **_sources_of_programs(manifest),
        **_sources_of_kernel(image),
    }
    set_substvars(
        tree / "debian" / f"{package}.substvars",
        {
            STATIC_BUILT_USING: ", ".join(
                f"{name} (= {version})" for name, version in sorted(built_using.items())
            )
        },
    )
    return image


def _sources_of_programs(manifest: Manifest) -> dict[str, str]:
    """The sources of the variant packages that programs are of, and what those have linked in."""
    found: dict[str, str] = {}
    for package in packages_named(manifest.packages).values():
        found[package.source] = package.source_version
        found.update(package.static_built_using)
    return found


def _sources_of_components(image: Image) -> dict[str, str]:
    """The sources that base, entrypoint and programs themselves name, also those of no package."""
    sources = [
        source
        for component in image.components
        if component.kind in ("base", "entrypoint", "program")
        for source in (component.source, *(file.source for file in component.linked))
    ]
    return {source.name: source.version for source in sources if source and source.version}


def _sources_of_kernel(image: Image) -> dict[str, str]:
    """The kernel's source, and what a signed one is built of, which is where its code is."""
    if image.kernel is None:
        return {}
    name, version = image.kernel.package, image.kernel.version
    known = apt.Cache()
    found = known[name].versions.get(version) if name in known else None
    if found is None:
        return {}
    built_using = dict(exact_versions(str(found.record.get("Built-Using", ""))))
    return {found.source_name: found.source_version, **built_using}
