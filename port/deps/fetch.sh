#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# fetch.sh NAME - sees that build/deps/NAME is the source that `sources` pins.
#
# The archive comes from the Debian mirrors that apt is configured with here: their
# pools hold the source of every suite side by side, so the system's own lists stay as
# they are.  DEPS_URL names another place, which has the same file names in one
# folder.  Whatever arrives is taken only with the SHA-256 of the table.  Our own
# patches, patches/NAME-*.patch, are applied in the order of their names.
set -eu
name=$1
here=$(dirname "$0")
dir=build/deps/$name
mark=$dir/.fetched

# What the folder was made of: another pin or patch makes it anew.
wanted() {
	grep "^$name[[:space:]]" "$here/sources"
	cat "$here/patches/$name"-*.patch 2>/dev/null || :
}

if [ -e "$mark" ] && [ "$(wanted | sha256sum)" = "$(cat "$mark")" ]; then
	touch "$mark"
	exit 0
fi
if [ "${SETUP:-1}" = 0 ]; then
	echo "set-up: missing: $dir, which port/deps/fetch.sh $name fetches" >&2
	exit 1
fi

mirrors() {
	if [ -n "${DEPS_URL:-}" ]; then
		echo "$DEPS_URL"
	else
		apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
			'Component: main' 2>/dev/null | sort -u
	fi
}

whole() {
	[ -e "$1" ] && echo "$2  $1" | sha256sum --status -c 2>/dev/null
}

# The archive $1, of hash $2, whose place on a mirror is $3.
fetch() {
	! whole "$1" "$2" || return 0
	echo "set-up: fetching $(basename "$3")"
	for mirror in $(mirrors); do
		place=${mirror%/}/$3
		[ -z "${DEPS_URL:-}" ] || place=$DEPS_URL/$(basename "$3")
		/usr/lib/apt/apt-helper download-file "$place" "$1" "SHA256:$2" \
			>>build/setup.log 2>&1 || :
		! whole "$1" "$2" || return 0
		rm -f "$1"
	done
	return 1
}

unpack() {
	rm -rf "$dir" "$dir.new"
	mkdir -p "$dir.new"
	tar -xf "$1" -C "$dir.new" --strip-components=1
	for patch in "$here/patches/$name"-*.patch; do
		[ -e "$patch" ] || continue
		patch -s -p1 -d "$dir.new" <"$patch"
	done
	mv "$dir.new" "$dir"
	wanted | sha256sum >"$mark"
}

mkdir -p build/deps
"$here/setup.sh" fetch
grep "^$name[[:space:]]" "$here/sources" >build/deps/$name.pins
while read -r _ version hash path; do
	archive=build/deps/$(basename "$path")
	if fetch "$archive" "$hash" "$path"; then
		unpack "$archive"
		exit 0
	fi
	echo "set-up: $name $version is not to be had from the mirrors of this machine" >&2
done <build/deps/$name.pins
echo "set-up: no source of $name: let DEPS_URL name a folder with the archive of $here/sources" >&2
exit 1
