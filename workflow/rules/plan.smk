"""`snakemake plan`: the compute, memory and disk space that the experiment will need."""


rule plan:
    log:
        f"logs/{RESULTS}/plan.log",
    conda:
        "../../envs/learning.yaml"
    params:
        name=config["experiment"],
        systems={
            name: system_at_size(name, config["size"]) for name in TRAINED if name not in DERIVED
        },
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
