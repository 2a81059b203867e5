"""Types that networks share. No result depends on them: see :mod:`pipeline.fingerprint`."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

MakeUpsampler = Callable[[int, int, int, bool], nn.Module]
"""``(in_channels, out_channels, stride, bias) -> layer``, called by a network for each level."""
