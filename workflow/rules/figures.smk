"""The paper's figures 1 to 9, drawn from saved arrays."""

# The systems that figures 1 and 9 show: a figure is drawn if all of its systems are probed.
SHOWN = {
    name: list(dict.fromkeys(panel["system"] for row in layout for panel in row if panel))
    for name, layout in config["paper_figures"].items()
}
PAPER_FIGURES = sorted(
    [f"figure_{number}" for number in range(2, 9)]
    + [name for name in SHOWN if set(SHOWN[name]) <= set(config["probes"]["systems"])]
)
PAPER_FIGURE = figure("figure_{number}", "figure {number}", "Figures of the paper", "paper_figure")


rule figure_arrays:
    input:
        ancient(EXCERPT_FILE),
    output:
        overlap=f"{PROBES}/overlap.npz",
        ones=f"{PROBES}/ones.npz",
        stacks=f"{PROBES}/stacks.npz",
    log:
        f"logs/{PROBES}/figure_arrays.log",
    conda:
        "../../envs/learning.yaml"
    params:
        code=code("upsampling_artifacts.probes.figure_arrays", *UPSAMPLER_MODULES),
    script:
        "../scripts/figure_arrays.py"


rule figure_models:
    input:
        lambda w: expand(rules.probe_system.output.arrays, system=SHOWN[f"figure_{w.number}"]),
    output:
        PAPER_FIGURE,
    log:
        f"logs/{FIGURES}/figure_{{number}}.log",
    wildcard_constraints:
        number="[19]",
    conda:
        "../../envs/report.yaml"
    params:
        layout=lambda w: config["paper_figures"][f"figure_{w.number}"],
        looks=lambda w: looks(SHOWN[f"figure_{w.number}"]),
        code=code("upsampling_artifacts.figures.models"),
    script:
        "../scripts/figure_models.py"


rule figure_overlap:
    input:
        rules.figure_arrays.output.overlap,
    output:
        PAPER_FIGURE,
    log:
        f"logs/{FIGURES}/figure_{{number}}.log",
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
        PAPER_FIGURE,
    log:
        f"logs/{FIGURES}/figure_{{number}}.log",
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
        rules.probe_layers.output,
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
        PAPER_FIGURE,
    log:
        f"logs/{FIGURES}/figure_{{number}}.log",
    wildcard_constraints:
        number="[678]",
    conda:
        "../../envs/report.yaml"
    params:
        code=code("upsampling_artifacts.figures.stacks"),
    script:
        "../scripts/figure_stacks.py"
