"""What a configuration selects: the systems, layers, losses and comparisons of an experiment."""

from __future__ import annotations

from upsampling_artifacts import registry


def examined_remedies(config: dict) -> dict[str, str]:
    """Pair each remedy with the system that does without it.

    Args:
        config: A complete configuration from :func:`resolve`.

    Returns:
        By the system with the remedy: the one without it, which is a variant.
    """
    of = {name: config["systems"][name]["remedy_of"] for name in config["remedies"]}
    return {name: reference for name, reference in of.items() if reference in config["variants"]}


def studied_systems(config: dict) -> list[str]:
    """List the systems that are trained briefly with each loss: those that are variants.

    Args:
        config: A complete configuration from :func:`resolve`.
    """
    return [name for name in config["loss_study"]["systems"] if name in config["variants"]]


def trained_systems(config: dict) -> list[str]:
    """List the systems that are trained, separated and scored: variants and remedies.

    Args:
        config: A complete configuration from :func:`resolve`.
    """
    return list(dict.fromkeys([*config["variants"], *examined_remedies(config)]))


def distinct_losses(config: dict) -> dict[str, dict]:
    """Collect the losses whose gradients are probed: the library's, and those that train a system.

    Args:
        config: A complete configuration from :func:`resolve`.

    Returns:
        ``{"name", **options}`` of each, keyed by its name and options.
    """
    losses = {name: {"name": name} for name in (*registry.LOSSES, *registry.ADVERSARIAL_LOSSES)}
    for system in trained_systems(config):
        loss = {**config["training"], **config["systems"][system]["training"]}["loss"]
        options = [f"{key}={value}" for key, value in loss.items() if key != "name"]
        losses[" ".join([loss["name"], *options])] = loss
    return losses


def distinct_upsamplers(config: dict) -> dict[str, dict]:
    """Collect the upsampling layers of ``probes.single_layers`` and ``variants``.

    Args:
        config: A complete configuration from :func:`resolve`.

    Returns:
        The options of each distinct layer, keyed by the first system that uses it.
    """
    layers: dict[str, dict] = {}
    for system in [*config["probes"]["single_layers"], *config["variants"]]:
        upsampler = config["systems"][system]["upsampler"]
        if upsampler and upsampler not in layers.values():
            layers[system] = upsampler
    return layers


def comparisons(config: dict) -> list[tuple[str, str, bool]]:
    """Pair each variant with the variant that its SDR is compared with.

    That is its ``reference``, or the first variant if the reference is not one of them.

    Args:
        config: A complete configuration from :func:`resolve`.

    Returns:
        System, reference, and whether both are one network that differs in its upsampler only.
    """
    variants, systems = config["variants"], config["systems"]
    pairs = []
    for name in variants:
        reference = systems[name]["reference"]
        reference = reference if reference in variants else variants[0]
        networks = [(systems[x]["architecture"], systems[x]["options"]) for x in (name, reference)]
        if name != reference:
            pairs.append((name, reference, networks[0] == networks[1]))
    return pairs


def timed_systems(config: dict) -> list[str]:
    """Choose the variants whose training steps are timed, at most ``benchmarks.max_systems``.

    References come first, then one variant of each pair of architecture and upsampler, then the
    others, each in the order of the variants.

    Args:
        config: A complete configuration from :func:`resolve`.

    Returns:
        Names of variants, in their order.
    """
    variants = config["variants"]
    rows = {name: config["systems"][name] for name in variants}
    references = [row["reference"] for row in rows.values() if row["reference"] in rows]
    kinds: dict[object, str] = {}
    for name, row in rows.items():
        kinds.setdefault((row["architecture"], (row["upsampler"] or {}).get("name")), name)
    ranked = list(dict.fromkeys([*references, *kinds.values(), *variants]))
    chosen = ranked[: config["benchmarks"]["max_systems"]]
    return [name for name in variants if name in chosen]
