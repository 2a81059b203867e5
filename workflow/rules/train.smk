"""Training: one job per variant and seed."""


rule train:
    input:
        train=song_list("train"),
        valid=song_list("valid"),
    output:
        model=f"{RUN}/model.safetensors",
        log=f"{RUN}/training.csv",
        snapshots=directory(f"{RUN}/snapshots"),
    log:
        f"logs/{RUN}/train.log",
    benchmark:
        f"{RUN}/benchmarks/train.tsv"
    conda:
        "../../envs/learning.yaml"
    threads: training_threads
    resources:
        gpu=training_gpus,
    params:
        system=variant_system,
        options=lambda w: training_options(w.system),
        # Takes `threads`, so Snakemake does not compare it between runs: a change re-runs nothing.
        runtime=lambda w, threads: runtime_options(w.system),
        # Not an output: Snakemake deletes the outputs of a job that fails.
        checkpoint=f"{RUN}/checkpoint.pt",
        code=training_code,
    script:
        "../scripts/train.py"


# `snakemake train` trains every variant with every seed.
add_target("train", runs("model.safetensors"))
