"""The public interface: which module defines each name that the package offers.

Kept apart from the package, so that the fingerprint of a plug-in can follow ``ua.Upsampler`` to its
module (:mod:`pipeline.fingerprint`).
"""

PUBLIC_NAMES = {
    # probes
    "probe": "api",
    "FileProbeResult": "probes.audio_file_probe",
    "ModelProbeResult": "probes.user_model_probe",
    "probe_layer": "probes.single_layers",
    "find_layers": "probes.layer_tracer",
    "measure_paths": "probes.layer_paths",
    "tone_strides": "probes.layer_tracer",
    "InputError": "errors",
    # layers and models
    "build_layer": "models.build",
    "build_model": "models.build",
    "Upsampler": "upsamplers.base",
    "TransposedConvolution": "upsamplers.transposed",
    "NearestConvolution": "upsamplers.nearest",
    "LinearConvolution": "upsamplers.linear",
    "SubpixelConvolution": "upsamplers.subpixel",
    "ZeroInsertionConvolution": "upsamplers.zero_insertion",
    "SincConvolution": "upsamplers.sinc",
    "LearnedInterpolationConvolution": "upsamplers.learned_interpolation",
    "WaveletConvolution": "upsamplers.wavelet",
    # test signals
    "silence": "data.signals",
    "ones": "data.signals",
    "white_noise": "data.signals",
    "sine_sweep": "data.signals",
    "test_signals": "data.signals",
    # measures
    "spectrogram_db": "artifacts.spectra",
    "power_density": "artifacts.filtering",
    "measure_line": "artifacts.lines",
    "find_lines": "artifacts.line_search",
    "masking_margin_db": "artifacts.masking",
    "prominence_ratio_db": "artifacts.prominence_ratio",
    "polyphase_imbalance": "artifacts.polyphase",
    "replica_level_db": "artifacts.spectral_images",
    "image_levels_db": "artifacts.spectral_images",
    "valley_depth_db": "artifacts.filtering",
    "droop_db": "artifacts.theory",
    "boundary_samples": "artifacts.boundary",
    # theory
    "predicted_frequencies": "artifacts.lines",
    "image_frequencies": "artifacts.spectral_images",
    "interpolation_response_db": "artifacts.filtering",
    "layer_theory": "artifacts.theory",
    "predicted_measures": "artifacts.theory",
}
