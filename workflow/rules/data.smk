"""Data: fetched or rendered songs, their cache at the experiment's sampling rate, the manifest."""


# A checkpoint: some archives reveal which songs they hold only once fetched (`available_songs`).
checkpoint fetch:
    output:
        DATASET,
    log:
        f"logs/results/datasets/{config['dataset']}.log",
    # wget retries by itself; an error that remains needs your attention.
    retries: 0
    conda:
        "../../envs/data.yaml"
    params:
        # Take `threads`, so Snakemake does not compare them between runs: a change re-runs nothing.
        config=lambda w, threads: {key: config[key] for key in ("dataset", "datasets")},
        songs=lambda w, threads: {split: SONGS[split] for split in ("train", "valid", "test")},
    script:
        "../scripts/fetch.py"


rule song:
    output:
        expand(
            "{results}/songs/{{folder}}/{{song}}/{stem}.wav",
            results=DATA,
            stem=["mixture", "drums", "bass", "other", "vocals"],
        ),
    log:
        f"logs/{DATA}/songs/{{folder}}/{{song}}.log",
    benchmark:
        f"{DATA}/benchmarks/songs/{{folder}}/{{song}}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        seed=config["synthetic_songs"]["seed"],
        seconds=config["synthetic_songs"]["seconds"],
        code=code("upsampling_artifacts.data.synthetic_songs"),
    script:
        "../scripts/song.py"


rule songs_setup:
    output:
        f"{DATA}/songs/mus.yaml",
    log:
        f"logs/{DATA}/songs_setup.log",
    conda:
        "../../envs/data.yaml"
    params:
        valid=SONGS["valid"],
        code=code("upsampling_artifacts.data.synthetic_songs"),
    script:
        "../scripts/songs_setup.py"


rule cache:
    input:
        song_files,
    output:
        f"{DATA}/cache/{{song}}.npy",
        f"{DATA}/cache/{{song}}.json",
    log:
        f"logs/{DATA}/cache/{{song}}.log",
    benchmark:
        f"{DATA}/benchmarks/cache/{{song}}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        # Takes `threads`, so Snakemake does not compare it between runs: the inputs decide, and the
        # excerpt is where its package is.
        path=lambda w, threads: str(song_path(w.song)),
        modified=modification_times,
        sources=config["sources"],
        rate_hz=config["rate_hz"],
        allow_silent=lambda w: (
            config["silent_stems"] == "allow" and SPLIT_OF[w.song] in ("train", "valid")
        ),
        setup=song_setup,
        hint=lambda w: datasets.exclusion_hint(w.song, w.song in SONGS["excerpt"]),
        code=code("upsampling_artifacts.data.cache"),
    script:
        "../scripts/cache.py"


# One input for a training run instead of a hundred songs: the time to plan an experiment grows with the
# number of inputs of all its jobs.
rule song_list:
    input:
        lambda w: cached(available_songs(SPLITS[w.split])),
    output:
        f"{DATA}/cache/{{split}}.txt",
    log:
        f"logs/{DATA}/song_list_{{split}}.log",
    wildcard_constraints:
        split="|".join(SPLITS),
    conda:
        "../../envs/scoring.yaml"
    script:
        "../scripts/song_list.py"


rule manifest:
    input:
        unpack(
            lambda w: {
                split: cached_metadata(available_songs(songs)) for split, songs in SONGS.items()
            }
        ),
    output:
        f"{DATA}/dataset/manifest.csv",
    log:
        f"logs/{DATA}/manifest.log",
    # Before training: it refuses songs that are in two splits.
    priority: 1
    conda:
        "../../envs/scoring.yaml"
    params:
        code=code("upsampling_artifacts.data.manifest"),
    script:
        "../scripts/manifest.py"


rule out_of_distribution:
    input:
        # A missing file is reported by the job, in one line.
        [path for path in config["probes"]["out_of_distribution"].values() if os.path.exists(path)],
    output:
        directory(f"{DATA}/dataset/out_of_distribution"),
    log:
        f"logs/{DATA}/out_of_distribution.log",
    conda:
        "../../envs/learning.yaml"
    params:
        seconds=config["probes"]["out_of_distribution_seconds"],
        yours=config["probes"]["out_of_distribution"],
        rate_hz=config["rate_hz"],
        code=code("upsampling_artifacts.data.out_of_distribution"),
    script:
        "../scripts/out_of_distribution.py"
