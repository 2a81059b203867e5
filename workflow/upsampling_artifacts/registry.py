"""Names in config become classes here, and only here.

Each registry is one explicit dict from a name to ``module:Class``. The class is imported when
it is asked for, so that planning a run (which only needs the names) does not load torch.
"""

from __future__ import annotations

import importlib

from upsampling_artifacts.errors import InputError

UPSAMPLERS = {
    "transposed": "upsampling_artifacts.upsamplers.transposed:TransposedConvolution",
    "nearest": "upsampling_artifacts.upsamplers.nearest:NearestConvolution",
    "linear": "upsampling_artifacts.upsamplers.linear:LinearConvolution",
    "subpixel": "upsampling_artifacts.upsamplers.subpixel:SubpixelConvolution",
}

ARCHITECTURES = {
    "demucs": "upsampling_artifacts.models.demucs:Demucs",
    "melgan": "upsampling_artifacts.models.melgan:MelGAN",
    "wave_unet": "upsampling_artifacts.models.wave_unet:WaveUNet",
    "open_unmix": "upsampling_artifacts.models.open_unmix:OpenUnmix",
    "sams_net": "upsampling_artifacts.models.sams_net:SamsNet",
}


def module_of(kind: str, name: str, registry: dict[str, str]) -> str:
    """The module that defines ``name``, e.g. to know which source file a result depends on.

    Args:
        kind: What the names are ("upsampler", "architecture"), for the error message.
        name: A key of ``registry``.
        registry: One of the dicts above.

    Raises:
        InputError: The name is unknown; the known ones are listed.
    """
    if name not in registry:
        raise InputError(f"unknown {kind} '{name}'; known: {', '.join(sorted(registry))}")
    return registry[name].partition(":")[0]


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
        InputError: As in :func:`module_of`.
    """
    module = module_of(kind, name, registry)
    return getattr(importlib.import_module(module), registry[name].partition(":")[2])
