"""One training per variant and seed."""


rule train:
    input:
        train=song_list("train"),
        valid=song_list("valid"),
    output:
        model=f"{RUN}/model.safetensors",
        log=f"{RUN}/training.csv",
    log:
        f"logs/{RUN}/train.log",
    benchmark:
        f"{RUN}/benchmarks/train.tsv"
    conda:
        "../../envs/learning.yaml"
    threads: training_threads
    resources:
        gpu=gpus_of,
    params:
        system=system_of,
        options=training_of,
        running=running_of,
        # Not an output: Snakemake deletes the outputs of a job that fails.
        checkpoint=f"{RUN}/checkpoint.pt",
        code=code_of("upsampling_artifacts.training.loop"),
    script:
        "../scripts/train.py"


rule checkpointing:
    output:
        f"{RESULTS}/benchmarks/checkpointing.csv",
    log:
        f"logs/{RESULTS}/checkpointing.log",
    conda:
        "../../envs/learning.yaml"
    params:
        systems={name: system_at(name, config["size"]) for name in config["variants"]},
        minutes=config["training"]["checkpoint_minutes"],
        n_sources=len(config["sources"]),
        code=code("upsampling_artifacts.benchmarks.checkpointing"),
    script:
        "../scripts/checkpointing.py"
