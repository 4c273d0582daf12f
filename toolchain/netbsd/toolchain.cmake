# SPDX-License-Identifier: BSD-2-Clause
# For cmake -DCMAKE_TOOLCHAIN_FILE=... with the toolchain's bin directory in PATH; see also
# ../toolchain.cmake.

# debhelper says Linux on the command line, which fills the cache: this is stronger.
set(CMAKE_SYSTEM_NAME NetBSD)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(_rumprun_triple x86_64-rumprun-netbsd)

set(CMAKE_C_COMPILER ${_rumprun_triple}-gcc)
set(CMAKE_ASM_COMPILER ${_rumprun_triple}-gcc)
set(CMAKE_CXX_COMPILER ${_rumprun_triple}-g++)

# This file is in usr/share/rumprun-toolchain-netbsd; RUMPRUN_SYSROOT is an overlay with variants.
get_filename_component(_rumprun_usr "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
set(CMAKE_FIND_ROOT_PATH "${_rumprun_usr}/${_rumprun_triple}")
if(NOT "$ENV{RUMPRUN_SYSROOT}" STREQUAL "")
  list(PREPEND CMAKE_FIND_ROOT_PATH "$ENV{RUMPRUN_SYSROOT}")
endif()
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

set(PKG_CONFIG_EXECUTABLE "${_rumprun_usr}/bin/${_rumprun_triple}-pkg-config"
    CACHE FILEPATH "pkg-config for the target" FORCE)

set(BUILD_SHARED_LIBS OFF CACHE BOOL "static libraries only" FORCE)
set(BUILD_STATIC_LIBS ON CACHE BOOL "static libraries only" FORCE)
set(ENABLE_STATIC ON CACHE BOOL "static libraries only" FORCE)
set(CMAKE_SKIP_RPATH ON CACHE BOOL "static programs have none" FORCE)
