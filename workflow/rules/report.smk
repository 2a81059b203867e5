"""Figures, and the one page that shows everything."""

FIRST_SEED = [(system, config["seeds"][0]) for system in config["variants"]]
# Where a last layer that upsamples x4 puts its tones (probes/model_probe.py).
TONES_HZ = [config["rate_hz"] / 4, config["rate_hz"] / 2]
PAGE_SOURCES = "workflow/upsampling_artifacts/report"


rule figure_line_levels:
    input:
        rules.trained_measures.output,
    output:
        figure("line_levels", "line at rate/4", "Artifacts", "line_levels"),
    log:
        f"logs/{FIGURES}/line_levels.log",
    conda:
        "../../envs/report.yaml"
    params:
        systems=config["variants"],
        tone_hz=TONES_HZ[0],
        code=code("upsampling_artifacts.figures.line_levels"),
    script:
        "../scripts/figure_line_levels.py"


rule figure_spectrograms:
    input:
        runs("probe/{stage}.npz", FIRST_SEED, stage=["initialization", "trained"]),
    output:
        figure("spectrograms_{signal}", "{signal} in", "Artifacts", "spectrograms"),
    log:
        f"logs/{FIGURES}/spectrograms_{{signal}}.log",
    conda:
        "../../envs/report.yaml"
    params:
        tones_hz=TONES_HZ,
        code=code("upsampling_artifacts.figures.spectrograms"),
    script:
        "../scripts/figure_spectrograms.py"


rule figure_training_curves:
    input:
        runs("training.csv"),
    output:
        figure("training_curves", "validation loss", "Training", "training_curves"),
    log:
        f"logs/{FIGURES}/training_curves.log",
    conda:
        "../../envs/report.yaml"
    params:
        code=code("upsampling_artifacts.figures.training_curves"),
    script:
        "../scripts/figure_training_curves.py"


rule figure_source_scores:
    input:
        rules.scores.output,
    output:
        figure("source_scores", "SDR per source", "Training", "source_scores"),
    log:
        f"logs/{FIGURES}/source_scores.log",
    conda:
        "../../envs/report.yaml"
    params:
        systems=config["variants"],
        sources=config["sources"],
        songs=SONGS["test"],
        code=code("upsampling_artifacts.figures.source_scores"),
    script:
        "../scripts/figure_source_scores.py"


rule figure_trade_offs:
    input:
        table_1=rules.table_1.output,
        variants=rules.trained_measures.output,
    output:
        figure("trade_offs", "quality, compute, tone", "Training", "trade_offs"),
    log:
        f"logs/{FIGURES}/trade_offs.log",
    conda:
        "../../envs/report.yaml"
    params:
        systems=config["variants"],
        tone_hz=TONES_HZ[0],
        code=code("upsampling_artifacts.figures.trade_offs"),
    script:
        "../scripts/figure_trade_offs.py"


rule figure_step_speed:
    input:
        steps=rules.step_speed.output,
        paper="config/paper_table_1.csv",
    output:
        figure("step_speed", "training steps", "Speed", "step_speed"),
    log:
        f"logs/{FIGURES}/step_speed.log",
    conda:
        "../../envs/report.yaml"
    params:
        code=code("upsampling_artifacts.figures.step_speed"),
    script:
        "../scripts/figure_step_speed.py"


rule figure_layer_speed:
    input:
        rules.upsampler_speed.output,
    output:
        figure("layer_speed", "layers alone", "Speed", "layer_speed"),
    log:
        f"logs/{FIGURES}/layer_speed.log",
    conda:
        "../../envs/report.yaml"
    params:
        code=code("upsampling_artifacts.figures.layer_speed"),
    script:
        "../scripts/figure_layer_speed.py"


rule report:
    input:
        variants=rules.trained_measures.output,
        measures=rules.measures.output,
        claims=rules.claims.output,
        scores=rules.scores.output,
        table_1=rules.table_1.output,
        loading=rules.loading.output.speed,
        steps=rules.step_speed.output,
        upsamplers=rules.upsampler_speed.output,
        manifest=rules.manifest.output,
        paper="config/paper_table_1.csv",
        figures=expand(
            f"{FIGURES}/{{name}}.svg",
            name=[
                "line_levels",
                "layers",
                "spectrograms_noise",
                "spectrograms_silence",
                "training_curves",
                "source_scores",
                "trade_offs",
                "step_speed",
                "layer_speed",
                *PAPER_FIGURES,
            ],
        ),
        models=expand(rules.probe_model.output.summary, model=config["probes"]["models"]),
        song=cached(SONGS["test"][:1]),
        estimates=runs("estimates", FIRST_SEED),
        page=[f"{PAGE_SOURCES}/template.html", f"{PAGE_SOURCES}/style.css"],
    output:
        # Not annotated: Snakemake's own report shows a page of this size blank.
        page=f"{RESULTS}/report.html",
        provenance=f"{RESULTS}/provenance.json",
    log:
        f"logs/{RESULTS}/report.log",
    conda:
        "../../envs/report.yaml"
    params:
        config=config,
        test_songs=SONGS["test"],
        excerpt=SONGS["excerpt"][0] if SONGS["excerpt"] else None,
        tone_hz=TONES_HZ[0],
        # For the captions.
        patterns={
            "probes": f"{RESULTS}/variants/*/seed-{config['seeds'][0]}/probe/*.npz",
            "training": f"{RESULTS}/variants/*/seed-*/training.csv",
            "estimates": f"{RESULTS}/variants/*/seed-{config['seeds'][0]}/estimates/test/*/*.wav",
            "benchmarks": f"{RESULTS}/**/benchmarks/**/*.tsv",
        },
        # Not inputs: a lost benchmark file is no reason to train again.
        benchmarks={
            "song": (
                [
                    f"{RESULTS}/benchmarks/songs/{song_path(song).parent.name}/{song}.tsv"
                    for song in SPLIT_OF
                ]
                if config["dataset"] == "synthetic"
                else []
            ),
            "cache": expand(
                f"{RESULTS}/benchmarks/cache/{{song}}.tsv", song=sum(SONGS.values(), [])
            ),
            "train": runs("benchmarks/train.tsv"),
            "step_speed": [f"{RESULTS}/benchmarks/step_speed.tsv"],
            "upsampler_speed": [f"{RESULTS}/benchmarks/upsampler_speed.tsv"],
            "loading": [f"{RESULTS}/benchmarks/loading.tsv"],
            "probe_system": expand(
                f"{PROBES}/benchmarks/{{system}}.tsv", system=config["probes"]["systems"]
            ),
            "probe_model": expand(
                f"{PROBES}/benchmarks/{{model}}.tsv", model=config["probes"]["models"]
            ),
            "probe_stacks": [f"{PROBES}/benchmarks/stacks.tsv"],
            "probe_layers": [f"{PROBES}/benchmarks/layers.tsv"],
            "probe_readings": [f"{PROBES}/benchmarks/readings.tsv"],
            "probe": runs("benchmarks/probe_{stage}.tsv", stage=["initialization", "trained"]),
            "separate": runs("benchmarks/separate.tsv"),
            "baseline": runs("benchmarks/baseline.tsv", BASELINE_RUNS),
            "score": runs("benchmarks/score.tsv", RUNS + BASELINE_RUNS),
            "table_1": [f"{RESULTS}/benchmarks/table_1.tsv"],
        },
        code=code("upsampling_artifacts.report.page"),
    script:
        "../scripts/report.py"
