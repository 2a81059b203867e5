"""Print the compute, memory and disk space that the experiment will need."""

from upsampling_artifacts.pipeline.plan_text import plan_text
from upsampling_artifacts.pipeline.planning import Experiment, cache_room
from upsampling_artifacts.progress import job_log

with job_log(snakemake.log[0]):
    experiment = dict(snakemake.params.items())
    growth = experiment.pop("cache_growth")
    networks, sizes = experiment.pop("networks"), experiment["systems"]
    for name in [name for name, size in sizes.items() if size is None]:
        # Imported here, because this loads torch, which takes a second.
        from upsampling_artifacts.models.flops import build_on_meta, network_size

        system, channels = networks[name], networks[name]["audio_channels"]
        model = build_on_meta(system, system["n_sources"], channels)
        sizes[name] = network_size(model, system["rate_hz"], channels)
    print(plan_text(Experiment(**experiment)), cache_room(*growth, "results")[0], sep="\n\n")
