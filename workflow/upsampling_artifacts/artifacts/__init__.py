"""Test signals, spectra and measures of upsampling artifacts."""
