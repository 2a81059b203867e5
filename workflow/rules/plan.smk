"""`snakemake plan`: the resources that the experiment needs, before any job is submitted."""


rule plan:
    log:
        f"logs/{RESULTS}/plan.log",
    localrule: True
    conda:
        "../../envs/learning.yaml"
    params:
        name=config["experiment"],
        systems={name: system_at(name, config["size"]) for name in config["variants"]},
        training=TRAINING,
        n_seeds=len(config["seeds"]),
        n_baselines=len(BASELINES),
        # Looked up when the plan is asked for, and not each time that the workflow is read.
        song_seconds=lambda w: {split: seconds_of(split) for split in SPLITS},
        sources=config["sources"],
        rate_hz=config["rate_hz"],
        processes=config["scoring"]["processes"],
        tflop_per_second=config["plan"]["gpu_tflop_per_second"],
        signal_seconds=config["probes"]["signal_seconds"],
        # Room for what is not there yet is looked for when a run begins, too (events.smk).
        room=lambda w: cache_need(sum(SPLITS.values(), [])),
    script:
        "../scripts/plan.py"
