"""Benchmarks: measured speeds and memory. No test asserts a speed."""
