# SPDX-License-Identifier: MIT
"""git makes a repository, packs, checks and clones it: the same objects each time."""

NEEDS = ["git"]

SCRIPT = r"""
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z' GIT_CONFIG_NOSYSTEM=1
git init -q -b main repository
cd repository
for ((i = 0; i < 20; i++)); do
	seq $i $((i + 1000)) >file$((i % 7))
	git add .
	git commit -q -m "commit $i"
done
git checkout -q -b side HEAD~5
seq 5000 >side
git add side
git commit -q -m side
git checkout -q main
git merge -q -m merge side
git tag -a -m tag v1
say "head" "$(git rev-parse HEAD)"
say "tree" "$(git rev-parse HEAD^{tree})"
say "tag" "$(git rev-parse v1)"
say "loose" "$(git count-objects)"
git gc -q --aggressive --prune=now
say "packed" "$(git count-objects -v | grep -E '^(count|in-pack|packs|garbage):')"
say "fsck" "$(git fsck --full --strict 2>&1)"
git clone -q --no-local . ../clone
say "clone" "$(git -C ../clone rev-parse HEAD)"
say "clone fsck" "$(git -C ../clone fsck --full 2>&1)"
say "status" "$(git status --porcelain)"
git bundle create -q ../bundle --all
say "bundle" "$(git bundle verify -q ../bundle 2>&1)"
"""


def run(place):
    return place.outcomes_of(SCRIPT)
