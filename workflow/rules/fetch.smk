"""Published data sets: fetched once, for all experiments."""


# A checkpoint, for there are archives of which only they themselves tell what they hold (`there`).
checkpoint fetch:
    output:
        DATASET,
    log:
        f"logs/results/datasets/{config['dataset']}.log",
    # wget tries again by itself; what is left needs a person.
    retries: 0
    # Nodes of a cluster often see no network.
    localrule: True
    conda:
        "../../envs/data.yaml"
    params:
        # A parameter made from `threads` is to Snakemake no reason to run again.
        config=lambda w, threads: {key: config[key] for key in ("dataset", "datasets")},
        songs=lambda w, threads: {split: SONGS[split] for split in ("train", "valid", "test")},
    script:
        "../scripts/fetch.py"
