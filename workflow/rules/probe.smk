"""Probes: test signals fed to models before and after training."""

PROBES = f"{RESULTS}/probes"
# The training runs that take snapshots.
SNAPSHOT_RUNS = [(system, seed) for system, seed in RUNS if TRAINING[system]["n_snapshots"]]


rule probe:
    input:
        model=lambda w: f"{RUN}/model.safetensors" if w.stage == "trained" else [],
        songs=cached(SONGS["test"][: config["probes"]["n_songs"]]),
        # Only trained variants are probed with it.
        excerpts=lambda w: cached(SONGS["excerpt"]) if w.stage == "trained" else [],
        sounds=rules.out_of_distribution.output[0],
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
        system=variant_system,
        segment_seconds=lambda w: training_options(w.system)["segment_seconds"],
        signal_seconds=config["probes"]["signal_seconds"],
        code=variant_code("upsampling_artifacts.probes.variants"),
    script:
        "../scripts/probe.py"


rule probe_snapshots:
    input:
        snapshots=f"{RUN}/snapshots",
    output:
        f"{RUN}/probe/training.csv",
    log:
        f"logs/{RUN}/probe_snapshots.log",
    benchmark:
        f"{RUN}/benchmarks/probe_snapshots.tsv"
    conda:
        "../../envs/learning.yaml"
    threads: config["training"]["threads"]
    params:
        signal_seconds=config["probes"]["signal_seconds"],
        code=variant_code("upsampling_artifacts.probes.snapshots"),
    script:
        "../scripts/probe_snapshots.py"


rule tone_seconds:
    input:
        models=runs("model.safetensors", FIRST_SEED),
        songs=cached(SONGS["test"][: config["probes"]["n_songs"]]),
        excerpts=cached(SONGS["excerpt"]),
        sounds=rules.out_of_distribution.output[0],
    output:
        table=f"{PROBES}/tone_seconds.csv",
        arrays=f"{PROBES}/tone_seconds.npz",
    log:
        f"logs/{PROBES}/tone_seconds.log",
    benchmark:
        f"{PROBES}/benchmarks/tone_seconds.tsv"
    conda:
        "../../envs/learning.yaml"
    threads: config["training"]["threads"]
    params:
        segment_seconds={
            system: training_options(system)["segment_seconds"] for system in config["variants"]
        },
        signal_seconds=config["probes"]["signal_seconds"],
        tone_hz=TONES_HZ[0],
        code=code("upsampling_artifacts.probes.tone_seconds", *VARIANT_MODULES),
    script:
        "../scripts/tone_seconds.py"


rule probe_system:
    output:
        table=f"{SHARED}/probes/systems/{{system}}.csv",
        arrays=f"{SHARED}/probes/systems/{{system}}.npz",
    log:
        f"logs/{SHARED}/probes/systems/{{system}}.log",
    benchmark:
        f"{SHARED}/probes/benchmarks/{{system}}.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=6500,  # at the paper's size: 6.1 GB
    params:
        system=lambda w: system_at_size(w.system, config["probes"]["size"]),
        shape=lambda w: config["systems"][w.system]["full_size"],
        seeds=config["probes"]["seeds"],
        signal_seconds=config["probes"]["system_seconds"],
        spectrogram_seconds=config["probes"]["spectrogram_seconds"],
        code=variant_code("upsampling_artifacts.probes.systems"),
    script:
        "../scripts/probe_system.py"


rule probe_stacks:
    output:
        f"{SHARED}/probes/stacks.csv",
    log:
        f"logs/{SHARED}/probes/stacks.log",
    benchmark:
        f"{SHARED}/probes/benchmarks/stacks.tsv"
    conda:
        "../../envs/learning.yaml"
    params:
        seeds=SMALL_SEEDS,
        code=code("upsampling_artifacts.probes.stacks", *PAPER_UPSAMPLER_MODULES),
    script:
        "../scripts/probe_stacks.py"


rule probe_layers:
    output:
        f"{SHARED}/probes/layers.csv",
    log:
        f"logs/{SHARED}/probes/layers.log",
    benchmark:
        f"{SHARED}/probes/benchmarks/layers.tsv"
    conda:
        "../../envs/learning.yaml"
    params:
        layers=LAYERS,
        seeds=SMALL_SEEDS,
        code=code("upsampling_artifacts.probes.single_layers", *LAYER_MODULES),
    script:
        "../scripts/probe_layers.py"


rule probe_readings:
    output:
        f"{SHARED}/probes/readings.csv",
    log:
        f"logs/{SHARED}/probes/readings.log",
    benchmark:
        f"{SHARED}/probes/benchmarks/readings.tsv"
    conda:
        "../../envs/learning.yaml"
    resources:
        mem_mb=4600,  # one seed at the paper's size: 4.3 GB
    params:
        seeds=SMALL_SEEDS,
        code=code(
            "upsampling_artifacts.probes.readings",
            "upsampling_artifacts.models.demucs",
            "upsampling_artifacts.upsamplers.transposed",
        ),
    script:
        "../scripts/probe_readings.py"


rule excerpt:
    output:
        f"{SHARED}/probes/excerpt.wav",
    log:
        f"logs/{SHARED}/probes/excerpt.log",
    conda:
        "../../envs/learning.yaml"
    params:
        code=code("upsampling_artifacts.data.excerpt"),
    script:
        "../scripts/excerpt.py"


rule probe_model:
    input:
        music=shared("small_networks", rules.excerpt.output[0]),
    output:
        measures=f"{SHARED}/probes/models/{{model}}/measures.csv",
        layers=f"{SHARED}/probes/models/{{model}}/layers.csv",
        summary=f"{SHARED}/probes/models/{{model}}/summary.txt",
        arrays=f"{SHARED}/probes/models/{{model}}/spectrograms.npz",
    log:
        f"logs/{SHARED}/probes/models/{{model}}.log",
    benchmark:
        f"{SHARED}/probes/benchmarks/{{model}}.tsv"
    conda:
        "../../envs/learning.yaml"
    params:
        model=lambda w: config["probes"]["models"][w.model],
        source=model_source,
        code=code(
            "upsampling_artifacts.probes.user_model_probe",
            "upsampling_artifacts.probes.result_files",
        ),
    script:
        "../scripts/probe_model.py"


rule probe_loss_gradients:
    output:
        table=f"{SHARED}/losses/gradients.csv",
        arrays=f"{SHARED}/losses/gradients.npz",
    log:
        f"logs/{SHARED}/losses/gradients.log",
    benchmark:
        f"{SHARED}/probes/benchmarks/loss_gradients.tsv"
    conda:
        "../../envs/learning.yaml"
    params:
        losses=LOSSES,
        seeds=SMALL_SEEDS,
        code=code("upsampling_artifacts.probes.loss_gradients", *LOSS_MODULES),
    script:
        "../scripts/probe_loss_gradients.py"


rule identities:
    output:
        f"{SHARED}/probes/identities.csv",
    log:
        f"logs/{SHARED}/probes/identities.log",
    conda:
        "../../envs/learning.yaml"
    params:
        seeds=SMALL_SEEDS,
        code=code("upsampling_artifacts.probes.identities"),
    script:
        "../scripts/identities.py"


rule measures:
    input:
        shared("small_networks", rules.identities.output),
        shared("small_networks", rules.probe_stacks.output),
        shared("single_layers", rules.probe_layers.output),
        shared("small_networks", rules.probe_readings.output),
        system_probes(rules.probe_system.output.table, config["probes"]["systems"]),
        model_probes(rules.probe_model.output.measures),
    output:
        f"{PROBES}/measures.csv",
    log:
        f"logs/{PROBES}/measures.log",
    conda:
        "../../envs/learning.yaml"
    params:
        code=code("upsampling_artifacts.probes.measures_table"),
    script:
        "../scripts/measures.py"


use rule measures as trained_measures with:
    input:
        runs("probe/{stage}.csv", stage=["initialization", "trained"]),
        runs("probe/training.csv", SNAPSHOT_RUNS),
    output:
        f"{PROBES}/variants.csv",
    log:
        f"logs/{PROBES}/variants.log",


rule over_training:
    input:
        rules.trained_measures.output,
    output:
        f"{RESULTS}/over_training.csv",
    log:
        f"logs/{RESULTS}/over_training.log",
    conda:
        "../../envs/learning.yaml"
    params:
        tone_hz=TONES_HZ[0],
        code=code("upsampling_artifacts.probes.over_training"),
    script:
        "../scripts/over_training.py"


use rule measures as loss_outputs with:
    input:
        [
            path
            for seed in config["seeds"]
            for path in shared(f"loss_study/{seed}", rules.study_losses.output, seed=seed)
        ],
    output:
        f"{RESULTS}/losses/outputs.csv",
    log:
        f"logs/{RESULTS}/losses/outputs.log",


# The claims about untrained networks, for `snakemake probes`. All claims: evaluate.smk.
rule untrained_claims:
    input:
        measures=rules.measures.output,
        gradients=shared("loss_gradients", rules.probe_loss_gradients.output.table),
        claims=ancient(PAPER_CLAIMS),
    output:
        f"{PROBES}/claims.csv",
    log:
        f"logs/{PROBES}/claims.log",
    conda:
        "../../envs/learning.yaml"
    params:
        rate_hz=config["rate_hz"],
        claims=contents(PAPER_CLAIMS),
        code=code("upsampling_artifacts.evaluation.claims"),
    script:
        "../scripts/claims.py"


rule after_training:
    input:
        rules.trained_measures.output,
    output:
        f"{RESULTS}/after_training.csv",
    log:
        f"logs/{RESULTS}/after_training.log",
    conda:
        "../../envs/learning.yaml"
    params:
        tone_hz=TONES_HZ[0],
        code=code("upsampling_artifacts.probes.after_training"),
    script:
        "../scripts/after_training.py"
