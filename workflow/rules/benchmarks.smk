"""Benchmarks: `snakemake benchmark` on an otherwise idle machine.

Jobs that run side by side distort each other's times. So a benchmark reserves every core, and comes
before the jobs that would keep cores busy.
"""

# The variants that are timed: all, unless there are very many.
TIMED = selections.timed_systems(config)
TIMED_TRAINING = {name: TRAINING[name] for name in TIMED}
# As many CPUs and GPUs as a training run on one device.
STEP_THREADS = max(options["threads"] for options in TIMED_TRAINING.values())
FIRST = 1  # other jobs have the priority 0


rule step_speed:
    output:
        f"{RESULTS}/benchmarks/steps.csv",
    log:
        f"logs/{RESULTS}/step_speed.log",
    benchmark:
        f"{RESULTS}/benchmarks/step_speed.tsv"
    priority: FIRST
    conda:
        "../../envs/learning.yaml"
    threads: every_core(STEP_THREADS)
    resources:
        gpu=int(any(options["accelerator"] != "cpu" for options in TIMED_TRAINING.values())),
    params:
        systems={name: system_at_size(name, config["size"]) for name in TIMED},
        references=REFERENCES,
        training={name: training_options(name) for name in TIMED_TRAINING},
        # Takes `threads`, so Snakemake does not compare it between runs: a change re-runs nothing.
        runtime=lambda w, threads: {
            name: {**runtime_options(name), "threads": STEP_THREADS} for name in TIMED_TRAINING
        },
        # A function: song lengths are only read if this job is in the plan.
        steps_per_epoch=lambda w: {
            name: planning.steps_per_epoch(song_seconds("train"), config["rate_hz"], options)
            for name, options in TIMED_TRAINING.items()
        },
        n_sources=len(config["sources"]),
        rate_hz=config["rate_hz"],
        code=code(
            "upsampling_artifacts.benchmarks.steps",
            *sorted(
                {
                    module
                    for name in TIMED
                    for module in (
                        *registry.modules_of(config["systems"][name]),
                        loss_module(name),
                    )
                }
            ),
        ),
    script:
        "../scripts/step_speed.py"


rule upsampler_speed:
    output:
        f"{SHARED}/benchmarks/upsamplers.csv",
    log:
        f"logs/{SHARED}/upsampler_speed.log",
    benchmark:
        f"{SHARED}/benchmarks/upsampler_speed.tsv"
    priority: FIRST
    conda:
        "../../envs/learning.yaml"
    threads: every_core(1)
    params:
        code=code("upsampling_artifacts.benchmarks.upsamplers", *PAPER_UPSAMPLER_MODULES),
    script:
        "../scripts/upsampler_speed.py"


# The training options are benchmarked with one variant, the first.
BENCHMARKED_VARIANT = config["variants"][0]


rule switch_speed:
    output:
        f"{RESULTS}/benchmarks/switches.csv",
    log:
        f"logs/{RESULTS}/switch_speed.log",
    benchmark:
        f"{RESULTS}/benchmarks/switch_speed.tsv"
    priority: FIRST
    conda:
        "../../envs/learning.yaml"
    threads: every_core(TRAINING[BENCHMARKED_VARIANT]["threads"])
    resources:
        gpu=int(TRAINING[BENCHMARKED_VARIANT]["accelerator"] != "cpu"),
    params:
        name=BENCHMARKED_VARIANT,
        system=system_at_size(BENCHMARKED_VARIANT, config["size"]),
        training=training_options(BENCHMARKED_VARIANT),
        # Takes `threads`, so Snakemake does not compare it between runs: a change re-runs nothing.
        runtime=lambda w, threads: {
            key: TRAINING[BENCHMARKED_VARIANT][key] for key in ("devices", "threads")
        },
        n_sources=len(config["sources"]),
        rate_hz=config["rate_hz"],
        code=code(
            "upsampling_artifacts.benchmarks.step_options",
            *registry.modules_of(config["systems"][BENCHMARKED_VARIANT]),
            loss_module(BENCHMARKED_VARIANT),
        ),
    script:
        "../scripts/switch_speed.py"


rule loading:
    output:
        speed=f"{SHARED}/benchmarks/loading.csv",
        memory=f"{SHARED}/benchmarks/loading_memory.csv",
    log:
        f"logs/{SHARED}/loading.log",
    benchmark:
        f"{SHARED}/benchmarks/loading.tsv"
    priority: FIRST
    conda:
        "../../envs/learning.yaml"
    threads: every_core(1)
    params:
        code=code("upsampling_artifacts.benchmarks.loading"),
    script:
        "../scripts/loading.py"


rule checkpointing:
    output:
        f"{RESULTS}/benchmarks/checkpointing.csv",
    log:
        f"logs/{RESULTS}/checkpointing.log",
    priority: FIRST
    conda:
        "../../envs/learning.yaml"
    threads: every_core(1)
    params:
        systems={name: system_at_size(name, config["size"]) for name in TIMED},
        minutes=config["training"]["checkpoint_minutes"],
        n_sources=len(config["sources"]),
        code=code("upsampling_artifacts.benchmarks.checkpointing"),
    script:
        "../scripts/checkpointing.py"


rule benchmark:
    input:
        rules.step_speed.output,
        rules.switch_speed.output,
        shared("benchmarks", rules.upsampler_speed.output),
        shared("benchmarks", rules.loading.output),
        rules.checkpointing.output,
