"""What upsamplers do to silence, ones, noise, a sweep and music, before and after training."""

PROBES = f"{RESULTS}/probes"
PROBED = expand(f"{PROBES}/systems/{{system}}.csv", system=config["probes"]["systems"])
LISTED = expand(f"{PROBES}/models/{{model}}/measures.csv", model=config["probes"]["models"])


rule probe:
    input:
        model=lambda w: f"{RUN}/model.safetensors" if w.stage == "trained" else [],
        song=cached(SONGS["test"][:1]),
    output:
        table=f"{RUN}/probe/{{stage}}.csv",
        arrays=f"{RUN}/probe/{{stage}}.npz",
    log:
        f"logs/{RUN}/probe_{{stage}}.log",
    benchmark:
        f"{RUN}/benchmarks/probe_{{stage}}.tsv"
    conda:
        "../../envs/learning.yaml"
    threads: config["training"]["threads"]
    params:
        system=system_of,
        segment_seconds=lambda w: training_of(w)["segment_seconds"],
        signal_seconds=config["probes"]["signal_seconds"],
        code=code_of("upsampling_artifacts.artifacts.variant_probe"),
    script:
        "../scripts/probe.py"


rule probe_system:
    input:
        ancient(EXCERPT_FILE),
    output:
        table=f"{PROBES}/systems/{{system}}.csv",
        arrays=f"{PROBES}/systems/{{system}}.npz",
    log:
        f"logs/{PROBES}/systems/{{system}}.log",
    benchmark:
        f"{PROBES}/benchmarks/{{system}}.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=4000,
    params:
        system=lambda w: system_at(w.system, config["probes"]["size"]),
        shape=lambda w: config["systems"][w.system]["full_size"],
        options=config["probes"],
        code=code_of("upsampling_artifacts.artifacts.system_probe"),
    script:
        "../scripts/probe_system.py"


rule probe_small:
    input:
        ancient(EXCERPT_FILE),
    output:
        f"{PROBES}/small.csv",
    log:
        f"logs/{PROBES}/small.log",
    benchmark:
        f"{PROBES}/benchmarks/small.tsv"
    conda:
        "../../envs/learning.yaml"
    params:
        seeds=list(range(config["probes"]["small_seeds"])),
        code=code("upsampling_artifacts.artifacts.small_probes", *UPSAMPLER_MODULES),
    script:
        "../scripts/probe_small.py"
