#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# setup.sh GROUP... - sees that the packages of these groups are there.
#
# The table `packages` beside this file says what to look for.  What is missing
# is installed with apt-get, and named before.  With SETUP=0, without apt-get,
# or without root and sudo it is only named.  Exit 1 when something that a
# group must have is missing in the end.
#
# A package whose installation would remove another is left alone (a machine
# keeps its own mail server), and no service is started.
set -u
here=$(dirname "$0")
log=build/setup.log
PATH=$PATH:/usr/sbin:/sbin

found() {
	case $1 in
	command:*) command -v "${1#*:}" >/dev/null ;;
	file:*) [ -e "${1#*:}" ] ;;
	python:*) /usr/bin/python3 -c "import ${1#*:}" 2>/dev/null ;;
	esac
}

# The packages of the groups in $1, of need $2 (a pattern), that are not there.
missing() {
	sed 's/#.*//' "$here/packages" | while read -r group need probe package; do
		case " $1 " in *" $group "*) ;; *) continue ;; esac
		case $need in $2) ;; *) continue ;; esac
		found "$probe" || echo "$package"
	done | sort -u | tr '\n' ' '
}

apt() {
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 \
		-o APT::Install-Recommends=false "$@"
}

# Those of $* that can be installed without removing another package.
harmless() {
	for package in "$@"; do
		plan=$(apt -s install "$package" 2>>"$log") || plan=Remv
		if ! echo "$plan" | grep -q '^Remv'; then
			printf '%s ' "$package"
		else
			echo "set-up: $package left out: not to be had, or another would go" >&2
		fi
	done
}

# An invoke-rc.d that asks is told no, while we install.
policy=/usr/sbin/policy-rc.d
quiet_services() {
	[ -e $policy ] && return
	trap '$sudo rm -f $policy' EXIT
	trap 'exit 1' INT TERM
	printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
	$sudo chmod 755 $policy
	echo 'postfix postfix/main_mailer_type select No configuration' |
		$sudo debconf-set-selections 2>>"$log"
}

install() {
	apt -s install "$@" >/dev/null 2>>"$log" || apt update >>"$log" 2>&1
	some=$(harmless "$@")
	[ -n "$some" ] || return
	echo "set-up: apt-get install $some"
	quiet_services
	# shellcheck disable=SC2086
	apt install $some >>"$log" 2>&1 || {
		apt update >>"$log" 2>&1
		apt install $some >>"$log" 2>&1
	} || echo "set-up: apt-get failed, see $log"
}

packages=$(missing "$*" '*')
[ -n "$packages" ] || exit 0
mkdir -p build

sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
able() {
	command -v apt-get >/dev/null && command -v ${sudo:-true} >/dev/null
}

if [ "${SETUP:-1}" != 0 ] && able; then
	# shellcheck disable=SC2086
	install $packages
fi

packages=$(missing "$*" may)
[ -z "$packages" ] || echo "set-up: not there: $packages(their tests are skipped)"
packages=$(missing "$*" must)
[ -z "$packages" ] || {
	echo "set-up: missing: $packages" >&2
	exit 1
}
