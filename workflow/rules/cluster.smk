"""What a cluster needs: which rules run on the login node, signals, and sbatch's reasons."""

import signal

# sbatch can send SIGUSR1 to every process of a job before its time limit. It is meant for the
# training, which saves a checkpoint; Snakemake and its shell would die of it.
signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def show_refusal(record):
    """Log why sbatch refused a job: `quiet: rules` hides the errors of jobs, this reason included."""
    reason = getattr(record, "rule_msg", None) or ""
    if reason.startswith("SLURM sbatch failed"):
        reason = reason.partition("\n    sbatch call:")[0]
        logger.error(f"slurm: {record.rule_name} was not submitted: {' '.join(reason.split())}")
    return True


logger.addFilter(show_refusal)


# This list is the only place that makes a rule local.
localrules:
    # Nodes of a cluster often have no network.
    fetch,
    # Prints to the terminal.
    plan,
    # These take a second or two each, less than waiting in the queue.
    all,
    probes,
    songs_setup,
    song_list,
    manifest,
    excerpt,
    out_of_distribution,
    subtract_silence,
    measures,
    trained_measures,
    untrained_claims,
    after_training,
    over_training,
    claims,
    loss_outputs,
    remedies,
    scores,
    sdr_differences,
    table_1,
    table_pages,
    figure_line_levels,
    figure_after_training,
    figure_over_training,
    figure_spectrograms,
    figure_training_curves,
    figure_source_scores,
    figure_sdr_differences,
    figure_remedies,
    figure_trade_offs,
    figure_step_speed,
    figure_layer_speed,
    figure_layers,
    figure_loss_gradients,
    figure_models,
    figure_model_probe,
    figure_overlap,
    figure_ones,
    figure_stacks,
    reference,
