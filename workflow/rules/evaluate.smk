"""Separate the test songs, score them with museval, and fill Table 1."""

BASELINE_RUNS = [(baseline, 0) for baseline in BASELINES]


rule separate:
    input:
        model=f"{RUN}/model.safetensors",
        songs=cached(TEST_SONGS),
    output:
        directory(f"{RUN}/estimates"),
    log:
        f"logs/{RUN}/separate.log",
    benchmark:
        f"{RUN}/benchmarks/separate.tsv"
    conda:
        "../../envs/learning.yaml"
    threads: config["training"]["threads"]
    params:
        code=code_of("upsampling_artifacts.separation"),
    script:
        "../scripts/separate.py"


rule baseline:
    input:
        songs=cached(TEST_SONGS),
    output:
        directory(f"{RUN}/estimates"),
    log:
        f"logs/{RUN}/baseline.log",
    wildcard_constraints:
        system="|".join(BASELINES),
    conda:
        "../../envs/learning.yaml"
    params:
        code=code("upsampling_artifacts.baselines"),
    script:
        "../scripts/baseline.py"


ruleorder: baseline > separate


rule score:
    input:
        song=f"{RESULTS}/cache/{{song}}.npy",
        estimates=f"{RUN}/estimates",
    output:
        f"{RUN}/scores/test/{{song}}.json",
    log:
        f"logs/{RUN}/score/{{song}}.log",
    benchmark:
        f"{RUN}/benchmarks/score/{{song}}.tsv"
    conda:
        "../../envs/scoring.yaml"
    params:
        code=code("upsampling_artifacts.scoring"),
    script:
        "../scripts/score.py"


rule run_scores:
    input:
        lambda w: runs("scores/test/{song}.json", [(w.system, w.seed)], song=TEST_SONGS),
    output:
        f"{RUN}/scores.csv",
    log:
        f"logs/{RUN}/scores.log",
    conda:
        "../../envs/scoring.yaml"
    params:
        common=False,
        code=code("upsampling_artifacts.scoring"),
    script:
        "../scripts/scores.py"


use rule run_scores as scores with:
    input:
        runs("scores/test/{song}.json", RUNS + BASELINE_RUNS, song=TEST_SONGS),
    output:
        f"{RESULTS}/scores.csv",
    log:
        f"logs/{RESULTS}/scores.log",
    params:
        common=True,
        code=code("upsampling_artifacts.scoring"),


rule table_1:
    input:
        scores=rules.scores.output,
        training=runs("training.csv"),
        models=runs("model.safetensors"),
        paper="config/paper_table_1.csv",
    output:
        report(
            f"{RESULTS}/table_1.csv",
            caption="../report/table_1.rst",
            category="Table 1",
        ),
    log:
        f"logs/{RESULTS}/table_1.log",
    conda:
        "../../envs/learning.yaml"
    params:
        songs=SONGS["test"],
        full_size={
            name: system_at(name, "paper")
            for name in config["variants"]
            if "paper" in config["architectures"][config["systems"][name]["architecture"]]
        },
        code=code("upsampling_artifacts.table_1"),
    script:
        "../scripts/table_1.py"
