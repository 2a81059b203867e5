"""Figures, drawn from saved tables and arrays: those of the paper (1 to 9), and our own."""

# The systems in figures 1 and 9. A figure is drawn if all of its systems are probed.
FIGURE_SYSTEMS = {
    name: list(dict.fromkeys(panel["system"] for row in layout for panel in row if panel))
    for name, layout in config["paper_figures"].items()
}
MODEL_FIGURES = sorted(
    name for name in FIGURE_SYSTEMS if set(FIGURE_SYSTEMS[name]) <= set(config["probes"]["systems"])
)
# Figures 2 to 8, of small networks.
SMALL_FIGURES = shared(
    "small_networks", paper_figure(f"{SHARED}/figures"), number=list(range(2, 9))
)


rule figure_arrays:
    output:
        overlap=f"{SHARED}/probes/overlap.npz",
        ones=f"{SHARED}/probes/ones.npz",
        stacks=f"{SHARED}/probes/stacks.npz",
    log:
        f"logs/{SHARED}/probes/figure_arrays.log",
    conda:
        "../../envs/learning.yaml"
    params:
        code=code("upsampling_artifacts.probes.figure_arrays", *PAPER_UPSAMPLER_MODULES),
    script:
        "../scripts/figure_arrays.py"


rule figure_models:
    input:
        lambda w: system_probes(
            rules.probe_system.output.arrays, FIGURE_SYSTEMS[f"figure_{w.number}"]
        ),
    output:
        paper_figure(FIGURES),
    log:
        f"logs/{FIGURES}/figure_{{number}}.log",
    wildcard_constraints:
        number="[19]",
    conda:
        "../../envs/report.yaml"
    params:
        layout=lambda w: config["paper_figures"][f"figure_{w.number}"],
        looks=lambda w: looks(FIGURE_SYSTEMS[f"figure_{w.number}"]),
        code=code("upsampling_artifacts.figures.models"),
    script:
        "../scripts/figure_models.py"


rule figure_overlap:
    input:
        rules.figure_arrays.output.overlap,
    output:
        paper_figure(f"{SHARED}/figures"),
    log:
        f"logs/{SHARED}/figures/figure_{{number}}.log",
    wildcard_constraints:
        number="[234]",
    conda:
        "../../envs/report.yaml"
    params:
        code=code("upsampling_artifacts.figures.overlap"),
    script:
        "../scripts/figure_overlap.py"


rule figure_ones:
    input:
        rules.figure_arrays.output.ones,
    output:
        paper_figure(f"{SHARED}/figures"),
    log:
        f"logs/{SHARED}/figures/figure_{{number}}.log",
    wildcard_constraints:
        number="5",
    conda:
        "../../envs/report.yaml"
    params:
        code=code("upsampling_artifacts.figures.ones"),
    script:
        "../scripts/figure_ones.py"


rule figure_layers:
    input:
        shared("single_layers", rules.probe_layers.output),
    output:
        figure("layers", "one layer each", "Artifacts", "layers"),
    log:
        f"logs/{FIGURES}/layers.log",
    conda:
        "../../envs/report.yaml"
    params:
        looks=looks(LAYERS),
        code=code("upsampling_artifacts.figures.layers"),
    script:
        "../scripts/figure_layers.py"


rule figure_stacks:
    input:
        rules.figure_arrays.output.stacks,
    output:
        paper_figure(f"{SHARED}/figures"),
    log:
        f"logs/{SHARED}/figures/figure_{{number}}.log",
    wildcard_constraints:
        number="[678]",
    conda:
        "../../envs/report.yaml"
    params:
        code=code("upsampling_artifacts.figures.stacks"),
    script:
        "../scripts/figure_stacks.py"


rule figure_model_probe:
    input:
        rules.probe_model.output.arrays,
    output:
        multiext(f"{SHARED}/probes/models/{{model}}/spectrograms", ".png", ".svg"),
    log:
        f"logs/{SHARED}/figures/models/{{model}}.log",
    conda:
        "../../envs/report.yaml"
    params:
        code=code("upsampling_artifacts.figures.probe"),
    script:
        "../scripts/figure_model_probe.py"


rule figure_loss_gradients:
    input:
        shared("loss_gradients", rules.probe_loss_gradients.output.arrays),
    output:
        figure("loss_gradients", "gradients of losses", "Artifacts", "loss_gradients"),
    log:
        f"logs/{FIGURES}/loss_gradients.log",
    conda:
        "../../envs/report.yaml"
    params:
        code=code("upsampling_artifacts.figures.loss_gradients"),
    script:
        "../scripts/figure_loss_gradients.py"


rule figure_tone_margins:
    input:
        rules.trained_measures.output,
    output:
        figure("tone_margins", "audible tones", "Artifacts", "tone_margins"),
    log:
        f"logs/{FIGURES}/tone_margins.log",
    conda:
        "../../envs/report.yaml"
    params:
        looks=looks(),
        tone_hz=TONES_HZ[0],
        code=code("upsampling_artifacts.figures.tone_margins"),
    script:
        "../scripts/figure_tone_margins.py"


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
        looks=looks(),
        tone_hz=TONES_HZ[0],
        code=code("upsampling_artifacts.figures.line_levels"),
    script:
        "../scripts/figure_line_levels.py"


rule figure_over_training:
    input:
        rules.over_training.output,
    output:
        figure("over_training", "tone over training", "Artifacts", "over_training"),
    log:
        f"logs/{FIGURES}/over_training.log",
    conda:
        "../../envs/report.yaml"
    params:
        looks=looks(),
        code=code("upsampling_artifacts.figures.over_training"),
    script:
        "../scripts/figure_over_training.py"


rule figure_after_training:
    input:
        rules.after_training.output,
    output:
        figure("after_training", "after training", "Artifacts", "after_training"),
    log:
        f"logs/{FIGURES}/after_training.log",
    conda:
        "../../envs/report.yaml"
    params:
        looks=looks(),
        tone_hz=TONES_HZ[0],
        code=code("upsampling_artifacts.figures.after_training"),
    script:
        "../scripts/figure_after_training.py"


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
        looks=looks(),
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
        looks=looks(),
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
        looks=looks(),
        sources=config["sources"],
        songs=SONGS["test"],
        code=code("upsampling_artifacts.figures.source_scores"),
    script:
        "../scripts/figure_source_scores.py"


rule figure_sdr_differences:
    input:
        rules.sdr_differences.output,
    output:
        figure("sdr_differences", "SDR differences", "Training", "sdr_differences"),
    log:
        f"logs/{FIGURES}/sdr_differences.log",
    conda:
        "../../envs/report.yaml"
    params:
        looks=looks(),
        code=code("upsampling_artifacts.figures.sdr_differences"),
    script:
        "../scripts/figure_sdr_differences.py"


rule figure_remedies:
    input:
        rules.remedies.output.summary,
    output:
        figure("remedies", "remedies", "Remedies", "remedies"),
    log:
        f"logs/{FIGURES}/remedies.log",
    conda:
        "../../envs/report.yaml"
    params:
        looks=looks([*REMEDIES.values()]),
        tone_hz=TONES_HZ[0],
        code=code("upsampling_artifacts.figures.remedies"),
    script:
        "../scripts/figure_remedies.py"


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
        looks=looks(),
        tone_hz=TONES_HZ[0],
        code=code("upsampling_artifacts.figures.trade_offs"),
    script:
        "../scripts/figure_trade_offs.py"


rule figure_step_speed:
    input:
        steps=rules.step_speed.output,
        paper=ancient(PAPER_TABLE_1),
    output:
        figure("step_speed", "training steps", "Speed", "step_speed"),
    log:
        f"logs/{FIGURES}/step_speed.log",
    conda:
        "../../envs/report.yaml"
    params:
        looks=looks(config["systems"]),
        paper=contents(PAPER_TABLE_1),
        code=code("upsampling_artifacts.figures.step_speed"),
    script:
        "../scripts/figure_step_speed.py"


rule figure_layer_speed:
    input:
        shared("benchmarks", rules.upsampler_speed.output),
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
