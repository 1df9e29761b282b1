# SPDX-License-Identifier: MIT
"""dpkg builds, installs, upgrades and removes a package below a root of its own; apt-get does it from a repository of files."""

NEEDS = ["dpkg-deb", "dpkg"]

# The package says in a file what its scripts were called with.
PACKAGE = r"""
package() {
	mkdir -p tree$1/DEBIAN tree$1/usr/share/hello
	printf 'Package: hello\nVersion: %s\nArchitecture: all\nMaintainer: a <a@example.org>\nDescription: says hello\n' $1 >tree$1/DEBIAN/control
	for script in preinst postinst prerm postrm; do
		printf '#!/bin/sh\necho %s "$@" >>"$DPKG_ROOT/scripts"\n' $script >tree$1/DEBIAN/$script
		chmod 755 tree$1/DEBIAN/$script
	done
	seq $1 1000 >tree$1/usr/share/hello/hello
	dpkg-deb --root-owner-group --build tree$1 hello_$1_all.deb >/dev/null
}
state() {
	say "$1, state" "$(dpkg-query --admindir=root/var/lib/dpkg -f '${Package} ${Version} ${db:Status-Abbrev} ' -W 2>&1)"
	say "$1, files" "$(cd root && find . -path ./var -prune -o -type f -print0 | sort -z | xargs -r0 sha256sum | sha256sum)"
	say "$1, scripts" "$(tr '\n' ';' <root/scripts)"
	say "$1, audit" "$($dpkg --audit 2>&1)"
}
mkdir -p root/var/lib/dpkg/{info,updates,triggers}
touch root/var/lib/dpkg/{status,available} root/scripts
dpkg="dpkg --root=$PWD/root --force-not-root --force-script-chrootless --log=$PWD/log"
umask 022
package 1
package 2
"""

SCRIPT = PACKAGE + r"""
$dpkg -i hello_1_all.deb >/dev/null 2>errors
state install
$dpkg -i hello_2_all.deb >/dev/null 2>>errors
state upgrade
$dpkg --verify hello >>errors
$dpkg -r hello >/dev/null 2>>errors
state remove
$dpkg -P hello >/dev/null 2>>errors
state purge
say "errors" "$(tr '\n' ' ' <errors)"
"""


def run(place):
    return place.outcomes_of(SCRIPT)
