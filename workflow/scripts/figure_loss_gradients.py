"""Draw the spectra of the gradients that losses send back to the waveform."""

from upsampling_artifacts.figures.loss_gradients import draw_loss_gradients
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    draw_loss_gradients(snakemake.input[0], snakemake.output)
