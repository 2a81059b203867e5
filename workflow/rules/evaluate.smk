"""Evaluation: separate the test songs, score the estimates with museval, fill in Table 1."""

BASELINE_RUNS = [(baseline, 0) for baseline in BASELINES]


rule separate:
    input:
        model=f"{RUN}/model.safetensors",
        songs=song_list("test"),
    output:
        directory(f"{RUN}/estimates"),
    log:
        f"logs/{RUN}/separate.log",
    benchmark:
        f"{RUN}/benchmarks/separate.tsv"
    conda:
        "../../envs/learning.yaml"
    threads: config["training"]["threads"]
    resources:
        gpu=lambda w: min(1, training_gpus(w)),
    params:
        accelerator=lambda w: TRAINING[w.system]["accelerator"],
        n_shifts=config["separation"]["n_shifts"],
        code=variant_code("upsampling_artifacts.evaluation.separation"),
    script:
        "../scripts/separate.py"


rule baseline:
    input:
        songs=song_list("test"),
    output:
        directory(f"{RUN}/estimates"),
    log:
        f"logs/{RUN}/baseline.log",
    benchmark:
        f"{RUN}/benchmarks/baseline.tsv"
    wildcard_constraints:
        system="|".join(BASELINES),
    conda:
        "../../envs/learning.yaml"
    params:
        code=code("upsampling_artifacts.evaluation.baselines"),
    script:
        "../scripts/baseline.py"


ruleorder: baseline > separate


# One job per run, not per song: a thousand variants would be a quarter of a million jobs.
rule score:
    input:
        songs=song_list("test"),
        estimates=f"{RUN}/estimates",
        # It refuses songs that are there twice, and has no other influence on scores.
        manifest=ancient(rules.manifest.output),
    output:
        songs=directory(f"{RUN}/scores"),
        table=f"{RUN}/scores.csv",
    log:
        f"logs/{RUN}/score.log",
    benchmark:
        f"{RUN}/benchmarks/score.tsv"
    conda:
        "../../envs/scoring.yaml"
    threads: config["scoring"]["processes"]
    resources:
        mem_mb=lambda w, threads, attempt: (
            attempt * planning.scoring_memory_mb(song_seconds("test"), config["rate_hz"], threads)
        ),
    params:
        code=code("upsampling_artifacts.evaluation.scoring"),
    script:
        "../scripts/score.py"


rule scores:
    input:
        runs("scores", RUNS + BASELINE_RUNS),
    output:
        f"{RESULTS}/scores.csv",
    log:
        f"logs/{RESULTS}/scores.log",
    conda:
        "../../envs/scoring.yaml"
    params:
        code=code("upsampling_artifacts.evaluation.scoring"),
    script:
        "../scripts/scores.py"


rule unscored_frames:
    input:
        songs=song_list("test"),
        scores=runs("scores", RUNS + BASELINE_RUNS),
        estimates=runs("estimates", RUNS + BASELINE_RUNS),
    output:
        f"{RESULTS}/unscored_frames.csv",
    log:
        f"logs/{RESULTS}/unscored_frames.log",
    benchmark:
        f"{RESULTS}/benchmarks/unscored_frames.tsv"
    conda:
        "../../envs/scoring.yaml"
    params:
        tones_hz=TONES_HZ,
        code=code("upsampling_artifacts.evaluation.unscored_frames"),
    script:
        "../scripts/unscored_frames.py"


rule sdr_differences:
    input:
        scores=rules.scores.output,
        paper=ancient(PAPER_TABLE_1),
    output:
        f"{RESULTS}/sdr_differences.csv",
    log:
        f"logs/{RESULTS}/sdr_differences.log",
    conda:
        "../../envs/scoring.yaml"
    params:
        songs=SONGS["test"],
        paper=contents(PAPER_TABLE_1),
        comparisons=selections.comparisons(config),
        code=code("upsampling_artifacts.evaluation.sdr_differences"),
    script:
        "../scripts/sdr_differences.py"


rule remedies:
    input:
        models=runs("model.safetensors", REMEDY_RUNS),
        training=runs("training.csv", [run for run in REMEDY_RUNS if run[0] not in DERIVED]),
        probes=runs("probe/trained.csv", REMEDY_RUNS),
        scores=runs("scores", REMEDY_RUNS),
    output:
        table=f"{RESULTS}/remedies.csv",
        summary=f"{RESULTS}/remedies_summary.csv",
    log:
        f"logs/{RESULTS}/remedies.log",
    benchmark:
        f"{RESULTS}/benchmarks/remedies.tsv"
    conda:
        "../../envs/learning.yaml"
    params:
        folders=[run_path(system, seed) for system, seed in REMEDY_RUNS],
        remedies={name: config["systems"][name]["remedy"] for name in REMEDIES},
        references=REMEDIES,
        songs=SONGS["test"],
        tone_hz=TONES_HZ[0],
        code=code("upsampling_artifacts.evaluation.remedies"),
    script:
        "../scripts/remedies.py"


use rule untrained_claims as claims with:
    input:
        measures=rules.measures.output,
        gradients=shared("loss_gradients", rules.probe_loss_gradients.output.table),
        variants=rules.trained_measures.output,
        sdr_differences=rules.sdr_differences.output,
        claims=ancient(PAPER_CLAIMS),
    output:
        f"{RESULTS}/claims.csv",
    log:
        f"logs/{RESULTS}/claims.log",


rule table_1:
    input:
        scores=rules.scores.output,
        training=runs("training.csv"),
        speed=rules.step_speed.output,
        models=runs("model.safetensors"),
        paper=ancient(PAPER_TABLE_1),
    output:
        f"{RESULTS}/table_1.csv",
    log:
        f"logs/{RESULTS}/table_1.log",
    benchmark:
        f"{RESULTS}/benchmarks/table_1.tsv"
    conda:
        "../../envs/learning.yaml"
    params:
        songs=SONGS["test"],
        full_size={
            name: system_at_size(name, "paper")
            for name in config["variants"]
            if "paper" in architecture_sizes(name)
        },
        references=REFERENCES,
        paper=contents(PAPER_TABLE_1),
        notes={name: row["note"] for name, row in config["systems"].items() if row["note"]},
        code=code("upsampling_artifacts.evaluation.table_1"),
    script:
        "../scripts/table_1.py"
