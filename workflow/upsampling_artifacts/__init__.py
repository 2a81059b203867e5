"""Measure upsampling artifacts in neural audio synthesis.

The library behind the pipeline, independent of Snakemake. ``import upsampling_artifacts as ua``
offers what a notebook needs: upsamplers, models, test signals, measures, theory and
:func:`probe`; docs/api.md lists them. Each name is imported on first use, so that importing the
package is cheap and does not load torch.
"""

import importlib
from typing import TYPE_CHECKING

from upsampling_artifacts.public_names import PUBLIC_NAMES

if TYPE_CHECKING:  # for type checkers and editors; one line per public name
    from upsampling_artifacts.api import probe as probe
    from upsampling_artifacts.artifacts.boundary import boundary_samples as boundary_samples
    from upsampling_artifacts.artifacts.filtering import (
        interpolation_response_db as interpolation_response_db,
    )
    from upsampling_artifacts.artifacts.filtering import power_density as power_density
    from upsampling_artifacts.artifacts.filtering import valley_depth_db as valley_depth_db
    from upsampling_artifacts.artifacts.line_search import find_lines as find_lines
    from upsampling_artifacts.artifacts.lines import measure_line as measure_line
    from upsampling_artifacts.artifacts.lines import predicted_frequencies as predicted_frequencies
    from upsampling_artifacts.artifacts.masking import masking_margin_db as masking_margin_db
    from upsampling_artifacts.artifacts.polyphase import polyphase_imbalance as polyphase_imbalance
    from upsampling_artifacts.artifacts.prominence_ratio import (
        prominence_ratio_db as prominence_ratio_db,
    )
    from upsampling_artifacts.artifacts.spectra import spectrogram_db as spectrogram_db
    from upsampling_artifacts.artifacts.spectral_images import (
        image_frequencies as image_frequencies,
    )
    from upsampling_artifacts.artifacts.spectral_images import image_levels_db as image_levels_db
    from upsampling_artifacts.artifacts.spectral_images import replica_level_db as replica_level_db
    from upsampling_artifacts.artifacts.theory import droop_db as droop_db
    from upsampling_artifacts.artifacts.theory import layer_theory as layer_theory
    from upsampling_artifacts.artifacts.theory import predicted_measures as predicted_measures
    from upsampling_artifacts.data.signals import ones as ones
    from upsampling_artifacts.data.signals import silence as silence
    from upsampling_artifacts.data.signals import sine_sweep as sine_sweep
    from upsampling_artifacts.data.signals import test_signals as test_signals
    from upsampling_artifacts.data.signals import white_noise as white_noise
    from upsampling_artifacts.errors import InputError as InputError
    from upsampling_artifacts.models.build import build_layer as build_layer
    from upsampling_artifacts.models.build import build_model as build_model
    from upsampling_artifacts.probes.audio_file_probe import FileProbeResult as FileProbeResult
    from upsampling_artifacts.probes.layer_paths import measure_paths as measure_paths
    from upsampling_artifacts.probes.layer_tracer import find_layers as find_layers
    from upsampling_artifacts.probes.layer_tracer import tone_strides as tone_strides
    from upsampling_artifacts.probes.single_layers import probe_layer as probe_layer
    from upsampling_artifacts.probes.user_model_probe import ModelProbeResult as ModelProbeResult
    from upsampling_artifacts.upsamplers.base import Upsampler as Upsampler
    from upsampling_artifacts.upsamplers.learned_interpolation import (
        LearnedInterpolationConvolution as LearnedInterpolationConvolution,
    )
    from upsampling_artifacts.upsamplers.linear import LinearConvolution as LinearConvolution
    from upsampling_artifacts.upsamplers.nearest import NearestConvolution as NearestConvolution
    from upsampling_artifacts.upsamplers.sinc import SincConvolution as SincConvolution
    from upsampling_artifacts.upsamplers.subpixel import SubpixelConvolution as SubpixelConvolution
    from upsampling_artifacts.upsamplers.transposed import (
        TransposedConvolution as TransposedConvolution,
    )
    from upsampling_artifacts.upsamplers.wavelet import WaveletConvolution as WaveletConvolution
    from upsampling_artifacts.upsamplers.zero_insertion import (
        ZeroInsertionConvolution as ZeroInsertionConvolution,
    )

__all__ = list(PUBLIC_NAMES)


def __getattr__(name: str) -> object:
    """Import a public name on first use (PEP 562)."""
    if name not in PUBLIC_NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{PUBLIC_NAMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
