# SPDX-License-Identifier: MIT
"""apt-get updates from a repository of files, installs, upgrades and removes, below a root of its own."""

import dpkg

NEEDS = ["apt-get", *dpkg.NEEDS]

SCRIPT = dpkg.PACKAGE + r"""
mkdir -p repository etc/apt.conf.d etc/preferences.d etc/trusted.gpg.d state/lists/partial cache/archives/partial logs
cat >apt.conf <<CONF
Dir "/";
Dir::Etc "$PWD/etc";
Dir::State "$PWD/state";
Dir::State::status "$PWD/root/var/lib/dpkg/status";
Dir::Cache "$PWD/cache";
Dir::Log "$PWD/logs";
Dir::Ignore-Files-Silently:: ".*";
APT::Sandbox::User "root";
APT::Get::Assume-Yes "true";
APT::Architecture "amd64";
Acquire::Languages "none";
Dpkg::Use-Pty "false";
DPkg::Options { "--root=$PWD/root"; "--force-not-root"; "--force-script-chrootless"; "--log=$PWD/log"; };
CONF
export APT_CONFIG=$PWD/apt.conf
echo "deb [trusted=yes] file:$PWD/repository ./" >etc/sources.list
publish() {
	cp hello_$1_all.deb repository/
	for deb in repository/*.deb; do
		dpkg-deb -f $deb
		echo "Filename: ./$(basename $deb)"
		echo "Size: $(stat -c %s $deb)"
		echo "SHA256: $(sha256sum $deb | cut -d' ' -f1)"
		echo
	done >repository/Packages
	apt-get -q update >update.$1 2>&1
	say "update $1" "$(grep -cE '^(Get|Hit|Ign)' update.$1 || true) $(grep -E '^[EW]:' update.$1 | tr '\n' ' ' || true)"
}
publish 1
apt-get -q install hello >>said 2>&1
state install
publish 2
apt-get -q upgrade >>said 2>&1
state upgrade
apt-get -q check >>said 2>&1
apt-get -q purge hello >>said 2>&1
state purge
say "errors" "$(grep -E '^[EW]:' said | tr '\n' ' ' || true)"
"""


def run(place):
    return place.outcomes_of(SCRIPT)
