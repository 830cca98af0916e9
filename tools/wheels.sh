#!/usr/bin/env bash
# Gathers everything that an installation without a network needs, in .build/wheels: Tocsin and what
# it depends on, exactly as locked, each file checked against its hash. Arguments go to pip, as
# --platform manylinux_2_28_aarch64 --python-version 3.12 for another machine than this one.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
place=.build/wheels
rm -rf "$place"
mkdir -p "$place"
[ -x .build/fetch/bin/python ] || "$python" -m venv .build/fetch

.build/fetch/bin/python -m pip download --quiet --disable-pip-version-check \
    --require-hashes --only-binary :all: --requirement requirements/runtime.txt \
    --dest "$place" "$@"
TOCSIN_UI=${TOCSIN_UI:-require} .venv/bin/python -m hatchling build --target wheel --directory "$place"
cp requirements/runtime.txt "$place/requirements.txt"
cp CHANGELOG.md "$place" # what to read before an upgrade
(cd "$place" && sha256sum -- * >SHA256SUMS)

echo "tocsin: $(find "$place" -name '*.whl' | wc -l) wheels, $(du -sh "$place" | cut -f1), in $place"
echo "tocsin: take the folder to the other machine; docs/howto/air-gap.md says how to go on"
