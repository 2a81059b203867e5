"""Write the report."""

from pathlib import Path

from upsampling_artifacts.progress import job_log
from upsampling_artifacts.report.files import ReportFiles
from upsampling_artifacts.report.page import write_report


def folder(files):
    """The folder of files; None if there are none."""
    return str(Path(files[0]).parent) if files else None


with job_log(snakemake.log[0]):
    write_report(
        snakemake.output.page,
        snakemake.output.provenance,
        ReportFiles(
            variants=snakemake.input.variants[0],
            measures=snakemake.input.measures[0],
            over_training=snakemake.input.over_training[0],
            tones=snakemake.input.tones,
            tone_arrays=snakemake.input.tone_arrays,
            claims=snakemake.input.claims[0],
            after_training=snakemake.input.after_training[0],
            gradients=snakemake.input.gradients,
            scores=snakemake.input.scores[0],
            table_1=snakemake.input.table_1[0],
            sdr_differences=snakemake.input.sdr_differences[0],
            unscored_frames=snakemake.input.unscored_frames[0],
            loading=snakemake.input.loading,
            steps=snakemake.input.steps[0],
            upsamplers=snakemake.input.upsamplers[0],
            manifest=snakemake.input.manifest[0],
            paper=snakemake.input.paper,
            figures={Path(path).stem: path for path in snakemake.input.figures},
            models=[str(Path(path).parent) for path in snakemake.input.models],
            song=snakemake.input.song[0],
            estimates=list(snakemake.input.estimates),
            spectra=list(snakemake.input.spectra),
            remedies=snakemake.input.remedies or None,
            loss_outputs=snakemake.input.loss_outputs[0] if snakemake.input.loss_outputs else None,
            benchmarks=snakemake.params.benchmarks,
            dependencies=snakemake.params.dependencies,
            patterns=snakemake.params.patterns,
            reference=folder(snakemake.input.reference),
            full_size=folder(snakemake.input.full_size),
            reference_remedies=folder(snakemake.input.reference_remedies),
        ),
        config=snakemake.params.config,
        looks=snakemake.params.looks,
        test_songs=snakemake.params.test_songs,
        excerpt=snakemake.params.excerpt,
        tone_hz=snakemake.params.tone_hz,
        repository=Path(snakemake.scriptdir).parents[1],
    )
