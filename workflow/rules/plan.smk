"""`snakemake plan`: the compute, memory and disk space that the experiment will need."""

from upsampling_artifacts.pipeline import dry_builds

# What the systems to be trained take.
TRAINED_NETWORKS = {name: trained_network(name) for name in TRAINED if name not in DERIVED}


rule plan:
    log:
        f"logs/{RESULTS}/plan.log",
    conda:
        "../../envs/learning.yaml"
    params:
        name=config["experiment"],
        networks=TRAINED_NETWORKS,
        # As was found while the run was planned (events.smk).
        systems=lambda w: dry_builds.known_sizes(TRAINED_NETWORKS, NETWORKS, code_fingerprint),
        variants=config["variants"],
        training=TRAINING,
        n_seeds=len(config["seeds"]),
        n_baselines=len(BASELINES),
        # A function: song lengths are only read for this target.
        song_seconds=lambda w: {split: song_seconds(split) for split in SPLITS},
        sources=config["sources"],
        rate_hz=config["rate_hz"],
        n_shifts=config["separation"]["n_shifts"],
        processes=config["scoring"]["processes"],
        tflop_per_second=config["plan"]["gpu_tflop_per_second"],
        signal_seconds=config["probes"]["signal_seconds"],
        study={name: study_options(name) for name in STUDIED},
        n_losses=len(config["loss_study"]["losses"]),
        # Checked again when a run starts (events.smk).
        cache_growth=lambda w: cache_growth(sum(SPLITS.values(), [])),
    script:
        "../scripts/plan.py"
