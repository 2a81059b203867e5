#!/bin/sh
# The tests open the report in a real browser: install Debian's Chromium where possible.
for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing Chromium for the report's tests ..."
  { apt-get update && apt-get install --yes --no-install-recommends chromium; } >/dev/null 2>&1 && exit 0
fi
echo "NOTE: Chromium is missing and cannot be installed: the browser tests of the report are SKIPPED."
