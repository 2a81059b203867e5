"""The target `train`.

`train` is the name of a rule, so that `-R train` trains again; as a target it means every model.
To Snakemake only rules without wildcards are targets, and one name cannot be both. So the target
is exchanged for the files it means, at the moment the command line reaches the workflow.
"""

from dataclasses import replace


class NamedTargets(type(workflow)):
    @property
    def dag_settings(self):
        return self.__dict__.get("dag_settings")

    @dag_settings.setter
    def dag_settings(self, settings):
        if settings and "train" in settings.targets:
            files = set(settings.targets) - {"train"} | set(runs("model.safetensors"))
            settings = replace(settings, targets=files)
        self.__dict__["dag_settings"] = settings


workflow.__class__ = NamedTargets
