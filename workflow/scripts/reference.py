"""Copy the tables of the finished experiment to results/reference/."""

from upsampling_artifacts.evaluation.reference_tables import write_reference
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    write_reference(
        snakemake.params.folder,
        variants=snakemake.input.variants[0],
        scores=snakemake.input.scores[0],
        sdr_differences=snakemake.input.sdr_differences[0],
        training=[
            (system, seed, path)
            for (system, seed), path in zip(
                snakemake.params.runs, snakemake.input.training, strict=True
            )
        ],
        steps=snakemake.input.steps[0],
        provenance=snakemake.input.provenance,
        copies=snakemake.input.copies,
        config=snakemake.params.config,
        test_songs=snakemake.params.test_songs,
    )
    print(f"{snakemake.params.folder}: replaced")
