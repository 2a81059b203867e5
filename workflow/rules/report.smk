"""The report: one page with all results. For Snakemake's own report: pages of the tables."""

PAGE_SOURCES = "workflow/upsampling_artifacts/report"
PAGE_FILES = [
    str(path)
    for folder in ("", "sections", "scripts", "styles")
    for path in sorted(Path(PAGE_SOURCES, folder).glob("*.[hjc]*"))
]
REFERENCE = "results/reference"

# Tables of another machine that come with the repository; no files if they were deleted.
REFERENCE_FILES = {
    name: sorted(map(str, Path(REFERENCE, name).glob("*.[cj]s*")))
    for name in ("one_gpu", "full_size", "remedies")
}


# Tables that Snakemake's own report shows: title, category, caption, and the csv file.
TABLES = [
    ("claims", "Claims", "claims", rules.claims.output[0]),
    ("Table 1", "Table 1", "table_1", rules.table_1.output[0]),
    ("SDR differences", "Table 1", "sdr_differences_table", rules.sdr_differences.output[0]),
    ("after training", "Artifacts", "after_training", rules.after_training.output[0]),
]
if REMEDIES:
    TABLES.append(("remedies", "Remedies", "remedies_table", rules.remedies.output.summary))


# Snakemake's own report does not show a csv file, only lets it be downloaded.
rule table_pages:
    input:
        [table for *_, table in TABLES],
    output:
        [
            shown(f"{RESULTS}/tables/{Path(table).stem}.html", title, category, caption)
            for title, category, caption, table in TABLES
        ],
    log:
        f"logs/{RESULTS}/table_pages.log",
    conda:
        "../../envs/report.yaml"
    params:
        template=contents(f"{PAGE_SOURCES}/table_page.html"),
        code=code("upsampling_artifacts.report.table_pages"),
    script:
        "../scripts/table_pages.py"


rule report:
    input:
        variants=rules.trained_measures.output,
        measures=rules.measures.output,
        over_training=rules.over_training.output,
        tones=rules.tone_seconds.output.table,
        tone_arrays=rules.tone_seconds.output.arrays,
        claims=rules.claims.output,
        after_training=rules.after_training.output,
        gradients=shared("loss_gradients", rules.probe_loss_gradients.output.table),
        scores=rules.scores.output,
        table_1=rules.table_1.output,
        sdr_differences=rules.sdr_differences.output,
        remedies=rules.remedies.output.summary if REMEDIES else [],
        loss_outputs=rules.loss_outputs.output if STUDIED else [],
        unscored_frames=rules.unscored_frames.output,
        loading=shared("benchmarks", rules.loading.output.speed),
        steps=rules.step_speed.output,
        upsamplers=shared("benchmarks", rules.upsampler_speed.output),
        manifest=rules.manifest.output,
        paper=ancient(PAPER_TABLE_1),
        reference=ancient(REFERENCE_FILES["one_gpu"]),
        full_size=ancient(REFERENCE_FILES["full_size"]),
        reference_remedies=ancient(REFERENCE_FILES["remedies"]),
        figures=[path for path in SMALL_FIGURES if path.endswith(".svg")]
        + expand(
            f"{FIGURES}/{{name}}.svg",
            name=[
                "tone_margins",
                "line_levels",
                "after_training",
                "over_training",
                "layers",
                "loss_gradients",
                "spectrograms_noise",
                "spectrograms_silence",
                "training_curves",
                "source_scores",
                "sdr_differences",
                "trade_offs",
                "step_speed",
                "layer_speed",
                *MODEL_FIGURES,
                *(["remedies"] if REMEDIES else []),
            ],
        ),
        models=model_probes(rules.probe_model.output.summary),
        model_figures=model_probes(rules.figure_model_probe.output),
        song=cached(SONGS["test"][:1]),
        estimates=runs("estimates", FIRST_SEED),
        spectra=runs("probe/{stage}.npz", FIRST_SEED, stage=["initialization", "trained"]),
        page=ancient(PAGE_FILES),
    output:
        # Not annotated: in Snakemake's own report, a page of this size stays blank.
        page=f"{RESULTS}/report.html",
        provenance=f"{RESULTS}/provenance.json",
    log:
        f"logs/{RESULTS}/report.log",
    conda:
        "../../envs/report.yaml"
    params:
        config=config,
        files=contents(PAPER_TABLE_1, *sum(REFERENCE_FILES.values(), []), *PAGE_FILES),
        looks=looks(config["systems"]),
        test_songs=SONGS["test"],
        excerpt=SONGS["excerpt"][0] if SONGS["excerpt"] else None,
        tone_hz=TONES_HZ[0],
        # For the captions.
        patterns={
            "probes": f"{HOLDERS}/variants/*/seed-{config['seeds'][0]}/probe/*.npz",
            "training": f"{HOLDERS}/variants/*/seed-*/training.csv",
            "estimates": f"{HOLDERS}/variants/*/seed-{config['seeds'][0]}/estimates/test/*/*.wav",
            "benchmarks": f"{HOLDERS}/**/benchmarks/**/*.tsv",
        },
        # Not inputs, because a lost benchmark file must not retrain anything. They take `threads`,
        # so Snakemake does not compare them between runs.
        benchmarks=lambda w, threads: benchmark_files(),
        dependencies=lambda w, threads: benchmark_dependencies(),
        code=code("upsampling_artifacts.report.page"),
    script:
        "../scripts/report.py"


# `snakemake reference` replaces results/reference/<experiment>/ by the tables of this experiment.
# They are no outputs: as such, git's own files would be made again where their sources are missing.
rule reference:
    input:
        variants=rules.trained_measures.output,
        scores=rules.scores.output,
        sdr_differences=rules.sdr_differences.output,
        training=runs("training.csv"),
        steps=rules.step_speed.output,
        provenance=rules.report.output.provenance,
        copies=[
            *rules.claims.output,
            *rules.after_training.output,
            *rules.over_training.output,
            *([rules.remedies.output.summary] if REMEDIES else []),
        ],
    log:
        f"logs/{RESULTS}/reference.log",
    conda:
        "../../envs/report.yaml"
    params:
        folder=f"{REFERENCE}/{config['experiment']}",
        runs=RUNS,
        config=config,
        test_songs=SONGS["test"],
    script:
        "../scripts/reference.py"
