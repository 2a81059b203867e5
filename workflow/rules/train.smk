"""One training per variant and seed."""


onstart:
    # Who forces a training (-R, -F) wants it from its first step. That is decided here, once per
    # command, and not by the job: tried again, or requeued by a cluster, the job has to go on.
    for job in workflow.dag.needrun_jobs():
        if job.rule.name == "train" and workflow.dag.reason(job).forced and not workflow.touch:
            Path(job.params.checkpoint).unlink(missing_ok=True)


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
    threads: config["training"]["threads"]
    params:
        system=system_of,
        options=training_of,
        running=running_of,
        # Not an output: Snakemake deletes the outputs of a job that fails.
        checkpoint=f"{RUN}/checkpoint.pt",
        code=code_of("upsampling_artifacts.training"),
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
