"""The only place where names in config become classes.

Each registry is one explicit dict from a name to an import path, ``module:Class``. Config may also
give an import path directly: a user-supplied class needs no line here. Classes are imported on
first use, so that planning a run, which needs the names alone, does not load torch.
"""

from __future__ import annotations

import re

from upsampling_artifacts import import_paths
from upsampling_artifacts.errors import InputError

IMPORT_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")

UPSAMPLERS = {
    "transposed": "upsampling_artifacts.upsamplers.transposed:TransposedConvolution",
    "nearest": "upsampling_artifacts.upsamplers.nearest:NearestConvolution",
    "linear": "upsampling_artifacts.upsamplers.linear:LinearConvolution",
    "subpixel": "upsampling_artifacts.upsamplers.subpixel:SubpixelConvolution",
    "zero_insertion": "upsampling_artifacts.upsamplers.zero_insertion:ZeroInsertionConvolution",
    "sinc": "upsampling_artifacts.upsamplers.sinc:SincConvolution",
    "learned_interpolation": (
        "upsampling_artifacts.upsamplers.learned_interpolation:LearnedInterpolationConvolution"
    ),
    "wavelet": "upsampling_artifacts.upsamplers.wavelet:WaveletConvolution",
}

PAPER_UPSAMPLERS = ("transposed", "nearest", "linear", "subpixel")
"""The upsamplers of the paper, which its stacks (figures 6 to 8) and the layer benchmark use."""

ARCHITECTURES = {
    "demucs": "upsampling_artifacts.models.demucs:Demucs",
    "melgan": "upsampling_artifacts.models.melgan:MelGAN",
    "wave_unet": "upsampling_artifacts.models.wave_unet:WaveUNet",
    "open_unmix": "upsampling_artifacts.models.open_unmix:OpenUnmix",
    "sams_net": "upsampling_artifacts.models.sams_net:SamsNet",
}

LOSSES = {
    "l1": "upsampling_artifacts.models.distances:L1",
    "l2": "upsampling_artifacts.models.distances:L2",
    "multi_resolution_stft": (
        "upsampling_artifacts.models.multi_resolution_stft:MultiResolutionSTFT"
    ),
    "deep_features": "upsampling_artifacts.models.deep_features:DeepFeatures",
    "deep_features_pooling": "upsampling_artifacts.models.deep_features:DeepFeaturesPooling",
}
"""Training losses."""

ADVERSARIAL_LOSSES = {
    "adversarial": "upsampling_artifacts.models.adversarial:Adversarial",
    "adversarial_phase_shuffle": "upsampling_artifacts.models.adversarial:AdversarialPhaseShuffle",
}
"""Losses whose gradient is probed, but which cannot train: their discriminator does not learn."""

BASELINES = {
    "mixture": "upsampling_artifacts.evaluation.baselines:mixture_separator",
    "ideal_ratio_mask": "upsampling_artifacts.evaluation.baselines:ideal_ratio_mask_separator",
}
"""Separations without a model, scored beside the systems."""


def is_import_path(name: str) -> bool:
    """Whether a name in config is an import path: ``my_package.my_module:MyClass``."""
    return ":" in name


def module_of(kind: str, name: str, registry: dict[str, str]) -> str:
    """The module that defines ``name``, on whose source code results depend.

    Args:
        kind: What the registry holds ("upsampler", "architecture"), for the error message.
        name: A key of ``registry``, or an import path.
        registry: One of the dicts above.

    Returns:
        The full name of the module.

    Raises:
        InputError: The name is unknown (the message lists the known ones), or its module does not
            exist.
    """
    module = _import_path(kind, name, registry).partition(":")[0]
    if import_paths.source_file(module) is None:
        raise InputError(
            f"{kind} '{name}': there is no module '{module}'; put it beside the Snakefile, "
            "install it, or put its folder on PYTHONPATH"
        )
    return module


def modules_of(system: dict) -> list[str]:
    """The modules that define a system: its architecture's and, if it has one, its upsampler's.

    Args:
        system: A row of ``systems`` in config: the keys ``architecture`` and ``upsampler``.

    Raises:
        InputError: As in :func:`module_of`.
    """
    modules = [module_of("architecture", system["architecture"], ARCHITECTURES)]
    if system["upsampler"] is not None:
        modules.append(module_of("upsampler", system["upsampler"]["name"], UPSAMPLERS))
    return modules


def load(kind: str, name: str, registry: dict[str, str]) -> type:
    """Import the class that ``name`` stands for.

    Args:
        kind: What the registry holds ("upsampler", "architecture"), for the error message.
        name: A key of ``registry``, or an import path.
        registry: One of the dicts above.

    Returns:
        The class.

    Raises:
        InputError: The name is unknown, or its class cannot be imported.
    """
    return import_paths.import_object(_import_path(kind, name, registry))


def _import_path(kind: str, name: str, registry: dict[str, str]) -> str:
    if is_import_path(name):
        if not IMPORT_PATH.fullmatch(name):
            raise InputError(
                f"{kind} '{name}': is not an import path; write my_package.my_module:MyClass"
            )
        return name
    if name not in registry:
        known = ", ".join(sorted(registry))
        raise InputError(
            f"unknown {kind} '{name}'; known: {known}; or give your own class as my_module:MyClass"
        )
    return registry[name]
