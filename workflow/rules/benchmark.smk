"""Measured speeds. Have the machine to yourself: times of jobs that run beside others say little."""


rule step_speed:
    output:
        f"{RESULTS}/benchmarks/steps.csv",
    log:
        f"logs/{RESULTS}/step_speed.log",
    benchmark:
        f"{RESULTS}/benchmarks/step_speed.tsv"
    conda:
        "../../envs/learning.yaml"
    # As a training on one device.
    threads: max(options["threads"] for options in TRAINING.values())
    resources:
        gpu=int(any(options["accelerator"] != "cpu" for options in TRAINING.values())),
    params:
        systems={name: system_at(name, config["size"]) for name in config["variants"]},
        references=REFERENCES,
        training={
            name: {key: value for key, value in options.items() if key not in RUNNING}
            for name, options in TRAINING.items()
        },
        # A parameter made from `threads` is to Snakemake no reason to run again.
        running=lambda w, threads: {
            name: {key: options[key] for key in RUNNING if key != "threads"}
            for name, options in TRAINING.items()
        },
        # Looked up when it is measured, and not each time that the workflow is read.
        steps_per_epoch=lambda w: {
            name: planning.steps_per_epoch(seconds_of("train"), config["rate_hz"], options)
            for name, options in TRAINING.items()
        },
        n_sources=len(config["sources"]),
        rate_hz=config["rate_hz"],
        code=code(
            "upsampling_artifacts.benchmarks.steps",
            *sorted(
                {
                    module
                    for name in config["variants"]
                    for module in registry.modules_of(config["systems"][name])
                }
            ),
        ),
    script:
        "../scripts/step_speed.py"


rule upsampler_speed:
    output:
        f"{RESULTS}/benchmarks/upsamplers.csv",
    log:
        f"logs/{RESULTS}/upsampler_speed.log",
    benchmark:
        f"{RESULTS}/benchmarks/upsampler_speed.tsv"
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


# One system stands for all: the first.
MEASURED = config["variants"][0]


rule switch_speed:
    output:
        f"{RESULTS}/benchmarks/switches.csv",
    log:
        f"logs/{RESULTS}/switch_speed.log",
    benchmark:
        f"{RESULTS}/benchmarks/switch_speed.tsv"
    conda:
        "../../envs/learning.yaml"
    # As a training of that system on one device.
    threads: TRAINING[MEASURED]["threads"]
    resources:
        gpu=int(TRAINING[MEASURED]["accelerator"] != "cpu"),
    params:
        name=MEASURED,
        system=system_at(MEASURED, config["size"]),
        training={k: v for k, v in TRAINING[MEASURED].items() if k not in RUNNING},
        # A parameter made from `threads` is to Snakemake no reason to run again.
        devices=lambda w, threads: TRAINING[MEASURED]["devices"],
        n_sources=len(config["sources"]),
        rate_hz=config["rate_hz"],
        code=code(
            "upsampling_artifacts.benchmarks.step_options",
            *registry.modules_of(config["systems"][MEASURED]),
        ),
    script:
        "../scripts/switch_speed.py"


rule benchmark:
    input:
        rules.step_speed.output,
        rules.switch_speed.output,
        rules.upsampler_speed.output,
