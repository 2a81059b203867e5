#!/bin/sh
# The report is tested in a real browser: install Debian's Chromium where that is possible.
for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing Chromium for the report's tests ..."
  { apt-get update && apt-get install --yes --no-install-recommends chromium; } >/dev/null 2>&1 && exit 0
fi
echo "NOTE: no Chromium here, and it cannot be installed: the report's browser tests are skipped."
