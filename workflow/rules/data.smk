"""Songs, and their cache at the experiment's rate."""


rule song:
    output:
        expand(
            "{results}/songs/{{folder}}/{{song}}/{stem}.wav",
            results=RESULTS,
            stem=["mixture", "drums", "bass", "other", "vocals"],
        ),
    log:
        f"logs/{RESULTS}/songs/{{folder}}/{{song}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/songs/{{folder}}/{{song}}.tsv"
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
        f"{RESULTS}/songs/mus.yaml",
    log:
        f"logs/{RESULTS}/songs_setup.log",
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
        f"{RESULTS}/cache/{{song}}.npy",
        f"{RESULTS}/cache/{{song}}.json",
    log:
        f"logs/{RESULTS}/cache/{{song}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/cache/{{song}}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        path=lambda w: str(song_path(w.song)),
        modified=modified,
        sources=config["sources"],
        rate_hz=config["rate_hz"],
        allow_silent=lambda w: (
            config["silent_stems"] == "allow" and SPLIT_OF[w.song] in ("train", "valid")
        ),
        setup=setup_of,
        hint=lambda w: datasets.exclusion_hint(w.song, w.song in SONGS["excerpt"]),
        code=code("upsampling_artifacts.data.cache"),
    script:
        "../scripts/cache.py"


# A training names one file for its hundred songs: the time to plan an experiment grows with the
# number of its pairs of a job and an input.
rule song_list:
    input:
        lambda w: cached(there(SPLITS[w.split])),
    output:
        f"{RESULTS}/cache/{{split}}.txt",
    log:
        f"logs/{RESULTS}/song_list_{{split}}.log",
    wildcard_constraints:
        split="|".join(SPLITS),
    localrule: True
    conda:
        "../../envs/scoring.yaml"
    script:
        "../scripts/song_list.py"


rule manifest:
    input:
        unpack(lambda w: {split: facts(there(songs)) for split, songs in SONGS.items()}),
    output:
        f"{RESULTS}/dataset/manifest.csv",
    log:
        f"logs/{RESULTS}/manifest.log",
    localrule: True
    conda:
        "../../envs/scoring.yaml"
    params:
        code=code("upsampling_artifacts.data.manifest"),
    script:
        "../scripts/manifest.py"


rule loading:
    output:
        speed=f"{RESULTS}/benchmarks/loading.csv",
        memory=f"{RESULTS}/benchmarks/loading_memory.csv",
    log:
        f"logs/{RESULTS}/loading.log",
    benchmark:
        f"{RESULTS}/benchmarks/loading.tsv"
    conda:
        "../../envs/learning.yaml"
    params:
        code=code("upsampling_artifacts.benchmarks.loading"),
    script:
        "../scripts/loading.py"


rule out_of_distribution:
    input:
        ancient(EXCERPT_FILE),
    output:
        directory(f"{RESULTS}/dataset/out_of_distribution"),
    log:
        f"logs/{RESULTS}/out_of_distribution.log",
    conda:
        "../../envs/learning.yaml"
    params:
        seconds=config["probes"]["out_of_distribution_seconds"],
        rate_hz=config["rate_hz"],
        code=code("upsampling_artifacts.data.out_of_distribution"),
    script:
        "../scripts/out_of_distribution.py"
