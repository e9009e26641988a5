#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# test.sh - another build, cmake's, takes Pipit as a component; its firmware runs here.
set -eu
here=$(dirname "$0")
build=build/cmake
rm -rf $build
cmake -S "$here" -B $build -DCMAKE_BUILD_TYPE=MinSizeRel
cmake --build $build -j 2
$build/firmware

# A configuration that is not there is an error, not a default.
if cmake -S port/cmake -B $build/wrong -DPIPIT_CONFIG=/nowhere 2>/dev/null; then
	echo "a missing configuration was taken"
	exit 1
fi
