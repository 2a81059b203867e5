"""Names in config become classes here, and only here.

Each registry is one explicit dict from a name to ``module:Class``. Config may also give such an
address itself: a class of anyone's, which needs no line here. The class is imported when
it is asked for, so that planning a run (which only needs the names) does not load torch.
"""

from __future__ import annotations

import re

from upsampling_artifacts import import_paths
from upsampling_artifacts.errors import InputError

ADDRESS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")

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

ARCHITECTURES = {
    "demucs": "upsampling_artifacts.models.demucs:Demucs",
    "melgan": "upsampling_artifacts.models.melgan:MelGAN",
    "wave_unet": "upsampling_artifacts.models.wave_unet:WaveUNet",
    "open_unmix": "upsampling_artifacts.models.open_unmix:OpenUnmix",
    "sams_net": "upsampling_artifacts.models.sams_net:SamsNet",
}

BASELINES = {
    "mixture": "upsampling_artifacts.evaluation.baselines:mixture_separator",
    "ideal_ratio_mask": "upsampling_artifacts.evaluation.baselines:ideal_ratio_mask_separator",
}
"""Separations without a model, scored beside the systems."""


def is_import_path(name: str) -> bool:
    """Whether a name in config is that of a class elsewhere: ``my_package.my_module:MyClass``."""
    return ":" in name


def module_of(kind: str, name: str, registry: dict[str, str]) -> str:
    """The module that defines ``name``, e.g. to know which source file a result depends on.

    Args:
        kind: What the names are ("upsampler", "architecture"), for the error message.
        name: A key of ``registry``, or an address.
        registry: One of the dicts above.

    Raises:
        InputError: The name is unknown, and the known ones are listed; or there is no such module.
    """
    module = _import_path_of(kind, name, registry).partition(":")[0]
    if import_paths.source_file(module) is None:
        raise InputError(
            f"{kind} '{name}': there is no module '{module}'; put it beside the Snakefile, "
            "install it, or put its folder on PYTHONPATH"
        )
    return module


def modules_of(system: dict) -> list[str]:
    """The modules that define a system: of its architecture and, if it has one, its upsampler.

    Raises:
        InputError: As in :func:`module_of`.
    """
    modules = [module_of("architecture", system["architecture"], ARCHITECTURES)]
    if system["upsampler"] is not None:
        modules.append(module_of("upsampler", system["upsampler"]["name"], UPSAMPLERS))
    return modules


def load(kind: str, name: str, registry: dict[str, str]) -> type:
    """Import and return the class that ``name`` stands for.

    Raises:
        InputError: The name is unknown, or nothing can be imported from its address.
    """
    return import_paths.find(_import_path_of(kind, name, registry))


def _import_path_of(kind: str, name: str, registry: dict[str, str]) -> str:
    if is_import_path(name):
        if not ADDRESS.fullmatch(name):
            raise InputError(f"{kind} '{name}': is no address; write my_package.my_module:MyClass")
        return name
    if name not in registry:
        known = ", ".join(sorted(registry))
        raise InputError(
            f"unknown {kind} '{name}'; known: {known}; or any class, as my_module:MyClass"
        )
    return registry[name]
