"""What a variant's upsamplers do to silence, noise and music, before and after training."""


rule probe:
    input:
        model=lambda w: f"{RUN}/model.safetensors" if w.state == "trained" else [],
        song=cached(SONGS["test"][:1]),
    output:
        table=f"{RUN}/probe/{{state}}.csv",
        arrays=f"{RUN}/probe/{{state}}.npz",
    log:
        f"logs/{RUN}/probe_{{state}}.log",
    benchmark:
        f"{RUN}/benchmarks/probe_{{state}}.tsv"
    conda:
        "../../envs/learning.yaml"
    threads: config["training"]["threads"]
    params:
        system=system_of,
        segment_seconds=lambda w: training_of(w)["segment_seconds"],
        signal_seconds=config["probes"]["signal_seconds"],
        code=code_of("upsampling_artifacts.artifacts.probing"),
    script:
        "../scripts/probe.py"


rule lines:
    input:
        runs("probe/{state}.csv", state=["initial", "trained"]),
    output:
        f"{RESULTS}/lines.csv",
    log:
        f"logs/{RESULTS}/lines.log",
    conda:
        "../../envs/learning.yaml"
    params:
        code=code("upsampling_artifacts.artifacts.probing"),
    script:
        "../scripts/lines.py"
