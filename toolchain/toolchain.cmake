# SPDX-License-Identifier: BSD-2-Clause
# For cmake -DCMAKE_TOOLCHAIN_FILE=... with the toolchain's bin directory in PATH.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(_rumprun_triple x86_64-rumprun-linux-musl)

set(CMAKE_C_COMPILER ${_rumprun_triple}-gcc)
set(CMAKE_ASM_COMPILER ${_rumprun_triple}-gcc)
set(CMAKE_CXX_COMPILER ${_rumprun_triple}-g++)

# This file is in usr/share/rumprun-toolchain; RUMPRUN_SYSROOT is an overlay with variants.
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

# FORCE beats -DBUILD_SHARED_LIBS=ON; an explicit add_library(x SHARED) is left to the compiler
# driver, which makes an archive of it. A static program has no run path to rewrite on install.
set(BUILD_SHARED_LIBS OFF CACHE BOOL "static libraries only" FORCE)
# Names that many projects give to options of their own.
set(BUILD_STATIC_LIBS ON CACHE BOOL "static libraries only" FORCE)
set(ENABLE_STATIC ON CACHE BOOL "static libraries only" FORCE)
set(CMAKE_SKIP_RPATH ON CACHE BOOL "static programs have none" FORCE)

# What we link runs on a Linux/amd64 build host, so try_run and build-time tools can simply run.
if(CMAKE_HOST_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_HOST_SYSTEM_PROCESSOR STREQUAL "x86_64")
  set(CMAKE_CROSSCOMPILING_EMULATOR "${_rumprun_usr}/lib/rumprun-toolchain/run-here")
endif()
