"""The paper's figures 1 to 9, drawn from saved arrays."""

# The systems that figures 1 and 9 show: they are drawn if config has them all probed.
SHOWN = {
    "1": ["melgan", "demucs_transposed", "demucs_nearest", "demucs_linear", "demucs_subpixel"],
    "9": ["demucs_transposed", "demucs_subpixel", "modified_transposed", "modified_subpixel"],
}
PAPER_FIGURES = [
    f"figure_{number}"
    for number in "123456789"
    if set(SHOWN.get(number, [])) <= set(config["probes"]["systems"])
]
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
        lambda w: expand(rules.probe_system.output.arrays, system=SHOWN[w.number]),
    output:
        PAPER_FIGURE,
    log:
        f"logs/{FIGURES}/figure_{{number}}.log",
    wildcard_constraints:
        number="|".join(SHOWN),
    conda:
        "../../envs/report.yaml"
    params:
        systems=lambda w: SHOWN[w.number],
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
