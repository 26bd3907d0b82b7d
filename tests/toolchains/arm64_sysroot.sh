#!/bin/sh
# Unpacks Debian's arm64 packages that sluice builds with into the folder $1, for a cross compiler.
# The system's own list of architectures and packages is neither read nor changed, and root is not needed.
set -eu
sysroot=${1:?usage: arm64_sysroot.sh FOLDER}
packages="libutf8proc-dev libutf8proc2 libxxhash-dev libxxhash0 libsentencepiece-dev libsentencepiece0
    libfmt-dev libfmt9 libspdlog-dev libspdlog1.10 nlohmann-json3-dev libeigen3-dev catch2 libcli11-dev"

# The folder counts as made only when it was made from this very list.
if [ -f "$sysroot/packages" ] && [ "$(cat "$sysroot/packages")" = "$packages" ]; then exit 0; fi

echo "arm64: unpacking Debian's arm64 packages into $sysroot"
rm -rf "$sysroot"
mkdir -p "$sysroot/apt/lists/partial" "$sysroot/apt/archives/partial"
sysroot=$(cd "$sysroot" && pwd)
: > "$sysroot/apt/status"
apt_arm64() {
    apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root \
        -o Dir::State::Lists="$sysroot/apt/lists" -o Dir::State::status="$sysroot/apt/status" \
        -o Dir::Cache="$sysroot/apt" -o Acquire::Retries=3 \
        -o APT::Update::Post-Invoke::= -o DPkg::Post-Invoke::= \
        -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
        -o Acquire::IndexTargets::deb::Translations::DefaultEnabled=false "$@"
}
apt_arm64 update
cd "$sysroot/apt"
apt_arm64 download $packages
for package in *.deb; do
    dpkg -x "$package" "$sysroot"
done
rm -rf "$sysroot/apt"
printf '%s' "$packages" > "$sysroot/packages"
