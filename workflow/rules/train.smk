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


rule subtract_silence:
    input:
        lambda w: f"{run_path(REMEDIES[w.system], w.seed)}/model.safetensors",
    output:
        f"{RUN}/model.safetensors",
    log:
        f"logs/{RUN}/subtract_silence.log",
    wildcard_constraints:
        system="|".join(DERIVED) or "(?!)",
    conda:
        "../../envs/learning.yaml"
    params:
        code=variant_code("upsampling_artifacts.models.saved"),
    script:
        "../scripts/subtract_silence.py"


ruleorder: subtract_silence > train


rule study_losses:
    input:
        train=song_list("train"),
        valid=song_list("valid"),
    output:
        f"{SHARED}/losses/outputs/seed-{{seed}}.csv",
    log:
        f"logs/{SHARED}/losses/outputs_{{seed}}.log",
    benchmark:
        f"{SHARED}/benchmarks/losses/seed-{{seed}}.tsv"
    conda:
        "../../envs/learning.yaml"
    threads: config["training"]["threads"]
    resources:
        gpu=int(config["training"]["accelerator"] != "cpu"),
    params:
        **LOSS_STUDY,
        code=code(
            "upsampling_artifacts.probes.loss_study",
            *sorted(
                {
                    *(
                        registry.module_of("loss", name, registry.LOSSES)
                        for name in config["loss_study"]["losses"]
                    ),
                    *(
                        module
                        for name in STUDIED
                        for module in registry.modules_of(config["systems"][name])
                    ),
                }
            ),
        ),
    script:
        "../scripts/study_losses.py"


# `snakemake train` trains every variant, and every remedy, with every seed. The manifest refuses songs
# that are there twice.
add_target("train", [*rules.manifest.output, *runs("model.safetensors", TRAINED_RUNS)])
