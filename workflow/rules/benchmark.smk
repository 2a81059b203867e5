"""Measured speeds. Have the machine to yourself: times of jobs that run beside others say little."""


rule benchmark:
    input:
        f"{RESULTS}/benchmarks/upsamplers.csv",


rule upsampler_speed:
    output:
        f"{RESULTS}/benchmarks/upsamplers.csv",
    log:
        f"logs/{RESULTS}/upsampler_speed.log",
    conda:
        "../../envs/learning.yaml"
    params:
        code=code(
            "upsampling_artifacts.benchmarks.upsamplers",
            "upsampling_artifacts.upsamplers.nearest",
            "upsampling_artifacts.upsamplers.linear",
        ),
    script:
        "../scripts/upsampler_speed.py"
